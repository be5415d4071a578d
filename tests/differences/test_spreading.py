"""Values come back in order from threads and processes, and what fails is told with its number."""

import importlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from anygrad.differences.failures import Result, explain_failures
from anygrad.differences.spreading import check_executor, evaluate_points
from anygrad.errors import ArgumentError, EvaluationError
from tests.support import assert_close

ROOT = Path(__file__).parents[2]
# A module that other processes import, as users' functions are: this file has no name to them.
BLACK_BOXES = '''
import os, random, sys, time

import numpy as np


class OfTwo(Exception):
    """It pickles, and cannot be read back."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def square(x):
    return float(np.sum(x * x))


def square_of_tree(x):
    return np.sum(x["w"] ** 2) + x["b"][0]


def slow_square(x):
    time.sleep(random.uniform(0, 0.02))
    return square(x)


def write(x):
    x[:] = -1.0
    return np.zeros(2)


def fail_at_3_and_7(x):
    if x[0] in (3, 7):
        raise ValueError(f"negative density {x[0]}")
    return square(x)


def fail_unreadably(x):
    raise OfTwo(1, 2)


def leave(x):
    sys.exit("no licence")


def give_generator(x):
    return (i for i in range(2))


def die_at_3(x):
    if x[0] == 3:
        os._exit(7)
    return square(x)


def process(x):
    return os.getpid()
'''
MPI_SCRIPT = """
import numpy as np
import black_boxes
from mpi4py.futures import MPIPoolExecutor
from anygrad.differences.spreading import evaluate_points
from anygrad.errors import ArgumentError, EvaluationError

if __name__ == "__main__":
    points = [np.asarray([float(i), 1.0]) for i in range(12)]
    with MPIPoolExecutor() as pool:
        values = evaluate_points("gradient", black_boxes.slow_square, points, pool)
        assert values == [black_boxes.square(x) for x in points], values
        assert len(set(evaluate_points("gradient", black_boxes.process, points, pool))) == 2
        try:
            evaluate_points("gradient", black_boxes.fail_at_3_and_7, points, pool)
        except EvaluationError as error:
            assert error.missing == (3, 7), error
            assert isinstance(error.__cause__, ValueError), error
        try:
            evaluate_points("gradient", lambda x: 1.0, points, pool)
        except ArgumentError as error:
            assert "lambda" in str(error), error
        print("OK", len(values), "values")
"""
POINTS = [np.asarray([float(i), 1.0]) for i in range(12)]
SQUARES = [i * i + 1.0 for i in range(12)]


@pytest.fixture(scope="module")
def module_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("importable")
    (folder / "black_boxes.py").write_text(BLACK_BOXES)
    sys.path.insert(0, str(folder))  # spawned processes get a copy of sys.path
    yield folder
    sys.path.remove(str(folder))
    sys.modules.pop("black_boxes", None)


@pytest.fixture(scope="module")
def boxes(module_path):
    return importlib.import_module("black_boxes")


def start_processes():
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


@pytest.fixture(scope="module")
def processes(boxes):
    with start_processes() as pool:
        yield pool


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(3) as pool:
        yield pool


@pytest.fixture(params=["threads", "processes"])
def pool(request):
    return request.getfixturevalue(request.param)


class Recorder:
    """An executor that runs each task at once and keeps it."""

    def __init__(self, **attributes):
        self.tasks = []
        self.__dict__.update(attributes)

    def submit(self, task):
        self.tasks.append(task)
        future = Future()
        future.set_result(task())
        return future


# What is an executor, and how many tasks it gets


@pytest.mark.parametrize(
    "executor",
    [3, "threads", ThreadPoolExecutor, SimpleNamespace(submit=print, get_executor=print)],
    ids=["number", "word", "class", "client of Dask"],
)
def test_what_is_no_executor_is_refused(executor):
    with pytest.raises(ArgumentError, match=r"gradient\(executor\): got .*expected None or an"):
        check_executor("gradient", executor)


def test_none_and_every_executor_is_taken(threads):
    check_executor("gradient", None)
    check_executor("gradient", threads)
    check_executor("gradient", Recorder())


@pytest.mark.parametrize("chunk", [0, -1, 1.5, True, "2"])
def test_a_chunk_is_a_positive_integer(threads, chunk):
    with pytest.raises(ArgumentError, match=r"gradient\(chunk\): got .*an integer >= 1"):
        evaluate_points("gradient", len, POINTS, threads, chunk)


@pytest.mark.parametrize(
    ("attributes", "points", "tasks"),
    [
        ({"_max_workers": 2}, 40, 8),
        ({"_max_workers": 2}, 41, 7),  # 6 points in each, 5 in the last
        ({"_max_workers": 2}, 3, 3),
        ({"_max_workers": 2}, 0, 0),
        ({"_client": SimpleNamespace(nthreads=lambda: {"a": 1, "b": 2})}, 24, 12),
        ({"_client": SimpleNamespace(nthreads=dict)}, 10**4, None),  # no worker has come yet
        ({}, 10**4, None),
    ],
)
def test_about_four_tasks_for_each_worker(attributes, points, tasks):
    recorder = Recorder(**attributes)
    assert evaluate_points("gradient", abs, range(points), recorder) == list(range(points))
    cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    assert len(recorder.tasks) == (tasks if tasks is not None else 4 * cores)


def test_a_chunk_is_the_number_of_points_in_a_task():
    recorder = Recorder(_max_workers=2)
    evaluate_points("gradient", abs, range(10), recorder, 3)
    assert len(recorder.tasks) == 4


def test_no_task_equals_one_of_another_call():
    recorder = Recorder(_max_workers=1)
    for _ in range(2):
        evaluate_points("gradient", abs, [1, 1], recorder)
    assert len({task.args[2] for task in recorder.tasks}) == 4


# Values


@pytest.mark.parametrize("chunk", [None, 1, 5])
def test_values_come_in_the_order_of_the_points(pool, boxes, chunk):
    assert evaluate_points("gradient", boxes.slow_square, POINTS, pool, chunk) == SQUARES


def test_order_is_kept_when_the_first_point_is_the_last_to_finish(threads):
    last = threading.Event()

    def wait_for_last(i):
        if i == 0:
            assert last.wait(10)
        if i == 29:
            last.set()
        time.sleep(random.uniform(0, 0.003))
        return i

    assert evaluate_points("gradient", wait_for_last, range(30), threads, 1) == list(range(30))


def test_trees_are_points(pool, boxes):
    points = [{"w": np.full(3, float(i)), "b": [np.asarray(i)]} for i in range(7)]
    values = evaluate_points("gradient", boxes.square_of_tree, points, pool)
    assert values == [boxes.square_of_tree(x) for x in points]


def test_arrays_of_every_library_are_points_of_threads(xp, threads):
    points = [xp.asarray([float(i), 1.0]) for i in range(5)]
    values = evaluate_points("gradient", lambda x: xp.sum(x * x), points, threads)
    for value, expected in zip(values, SQUARES[:5], strict=True):
        assert type(value) is type(points[0])
        assert_close(value, expected)


def test_a_value_is_kept_when_the_function_uses_its_buffer_again():
    buffer = np.zeros(1)

    def fill(x):
        buffer[0] = x[0]
        return buffer

    with ThreadPoolExecutor(1) as pool:
        values = evaluate_points("gradient", fill, POINTS, pool, 12)
    assert [value[0] for value in values] == list(range(12))


def test_points_of_processes_stay_as_they_were(processes, boxes):
    points = [x.copy() for x in POINTS]
    evaluate_points("gradient", boxes.write, points, processes)
    assert np.array_equal(points, POINTS)


def test_processes_share_the_points(processes, boxes):
    found = evaluate_points("gradient", boxes.process, POINTS * 20, processes, 1)
    assert os.getpid() not in found


# What the function raises


def test_what_the_function_raises_is_told_with_its_point(pool, boxes):
    with pytest.raises(EvaluationError) as caught:
        evaluate_points(
            "gradient", boxes.fail_at_3_and_7, POINTS, pool, describe=lambda i: f"x[{i}] + 1e-06"
        )
    error = caught.value
    assert error.missing == (3, 7)
    assert error.values == {i: SQUARES[i] for i in range(12) if i not in (3, 7)}
    assert isinstance(error.__cause__, ValueError)
    assert str(error) == (
        "gradient(f): got ValueError: negative density 3.0 from black_boxes.fail_at_3_and_7 at "
        "point 3 (x[3] + 1e-06); expected a value at each point, but 2 of 12 have none: points 3 "
        "and 7, counted from 0. The error's `values` has the 10 others."
    )


def test_the_line_that_failed_in_a_process_is_told(processes, boxes):
    with pytest.raises(EvaluationError) as caught:
        evaluate_points("gradient", boxes.fail_at_3_and_7, POINTS, processes)
    assert "raise ValueError" in caught.value.__cause__.__notes__[0]


def test_an_exception_that_cannot_be_read_back_breaks_no_pool(processes, boxes):
    with pytest.raises(EvaluationError, match="OfTwo: 1 and 2") as caught:
        evaluate_points("gradient", boxes.fail_unreadably, POINTS, processes)
    assert caught.value.missing == tuple(range(12))
    assert evaluate_points("gradient", boxes.square, POINTS, processes) == SQUARES


def test_a_function_that_exits_has_failed(pool, boxes):
    with pytest.raises(EvaluationError, match="SystemExit: no licence"):
        evaluate_points("gradient", boxes.leave, POINTS, pool)


# What does not pickle


def test_a_value_that_does_not_pickle_is_told(processes, boxes):
    with pytest.raises(EvaluationError, match="cannot pickle 'generator' object from black_boxes"):
        evaluate_points("gradient", boxes.give_generator, POINTS, processes)


def test_a_lambda_is_for_threads(pool, threads):
    double = lambda x: 2 * x[0]
    if pool is threads:
        assert evaluate_points("gradient", double, POINTS, pool) == [2.0 * i for i in range(12)]
        return
    with pytest.raises(ArgumentError, match=r"<lambda>, which .* does not pickle \(.*\); .*Thread"):
        evaluate_points("gradient", double, POINTS, pool)


def test_a_closure_is_named_behind_what_wraps_it(processes):
    scale = 2.0

    def model(a, x):
        return a * scale * x[0]

    for wrapped in (partial(model, 1.0), SimpleNamespace(f=partial(model, 1.0))):
        with pytest.raises(ArgumentError, match=r"<locals>.model, which .* top level of a module"):
            evaluate_points("gradient", wrapped, POINTS, processes)


# Executors that fail


def test_a_dying_worker_is_told_with_what_is_missing(boxes):
    with start_processes() as pool:
        with pytest.raises(EvaluationError, match=r"a worker that died \(BrokenProcess") as caught:
            evaluate_points("gradient", boxes.die_at_3, POINTS, pool, 3)
        missing, values = caught.value.missing, caught.value.values
        assert {3, 4, 5} <= set(missing)
        assert values == {i: SQUARES[i] for i in range(12) if i not in missing}
        assert f"{len(missing)} of 12 have none: points" in str(caught.value)
        with pytest.raises(EvaluationError, match=r"a worker that died .* points 0-11, counted"):
            evaluate_points("gradient", boxes.square, POINTS, pool)


def test_a_closed_executor_is_told(boxes):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(
        EvaluationError, match=r"cannot schedule new futures .* Is it open"
    ) as caught:
        evaluate_points("gradient", boxes.square, POINTS, pool)
    assert caught.value.values == {}


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ([5], "1 of 40 have none: point 5, counted"),
        ([12, 13, 14, 15, 20], "points 12-15 and 20, counted"),
        ([0, 2, 3, 39], "points 0, 2-3 and 39, counted"),
        (range(0, 40, 2), "points 0, 2, 4, 6, 8, 10, 12, 14, 16 and 11 more runs, counted"),
    ],
)
def test_numbers_are_told_as_runs(missing, words):
    results = [Result(error=ValueError("no") if i in missing else None) for i in range(40)]
    error, _ = explain_failures("gradient", partial(print, abs), results)
    assert words in str(error)


# Interrupts


def test_an_interrupt_cancels_what_waits_and_goes_on():
    seen, under_way = [], threading.Event()

    def rest(x):
        seen.append(x)
        if x == 3:  # by now all points are submitted
            under_way.set()
        time.sleep(0.03)

    def interrupt_under_way():
        under_way.wait()
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        threading.Thread(target=interrupt_under_way).start()
        with pytest.raises(KeyboardInterrupt):
            evaluate_points("gradient", rest, range(100), pool, 1)
    assert len(seen) < 10


def test_an_interrupt_in_a_worker_goes_on():
    seen = []

    def stop(x):
        seen.append(x)
        if x == 1:
            raise KeyboardInterrupt
        time.sleep(0.02)

    with ThreadPoolExecutor(1) as pool, pytest.raises(KeyboardInterrupt):
        evaluate_points("gradient", stop, range(100), pool, 1)
    assert len(seen) < 10


# Dask and MPI


@pytest.fixture
def dask_executor(boxes):
    distributed = pytest.importorskip("distributed", reason="Dask is absent: pip install .[spread]")
    with distributed.Client(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as client:
        check_executor("gradient", client.get_executor())
        yield client.get_executor()


@pytest.mark.slow
def test_dask_gives_the_same_values_and_errors(dask_executor, boxes):
    assert evaluate_points("gradient", boxes.slow_square, POINTS, dask_executor) == SQUARES
    assert evaluate_points("gradient", lambda x: x[0], POINTS, dask_executor) == list(range(12))
    for _ in range(2):
        with pytest.raises(EvaluationError, match="negative density 3") as caught:
            evaluate_points("gradient", boxes.fail_at_3_and_7, POINTS, dask_executor)
        assert caught.value.missing == (3, 7)
    with pytest.raises(EvaluationError, match="cannot pickle 'generator' object"):
        evaluate_points("gradient", boxes.give_generator, POINTS, dask_executor)
    with pytest.raises(ArgumentError, match="get_executor"):
        check_executor("gradient", dask_executor._client)


@pytest.mark.slow
def test_a_dying_worker_of_dask_is_told_and_the_others_go_on(dask_executor, boxes):
    with pytest.raises(EvaluationError, match=r"a worker that died \(KilledWorker") as caught:
        evaluate_points("gradient", boxes.die_at_3, POINTS, dask_executor, 1)
    assert 3 in caught.value.missing
    assert evaluate_points("gradient", boxes.square, POINTS, dask_executor) == SQUARES


def find_mpiexec() -> str:
    pytest.importorskip("mpi4py", reason="mpi4py is absent: pip install .[spread]")
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        pytest.skip("mpiexec is absent: pip install mpich, or the packages of the system")
    return found


@pytest.mark.slow
def test_mpi_gives_the_same_values_and_errors(module_path, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(MPI_SCRIPT)
    done = subprocess.run(
        [find_mpiexec(), "-n", "3", sys.executable, "-m", "mpi4py.futures", str(script)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{module_path}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "OK 12 values" in done.stdout
