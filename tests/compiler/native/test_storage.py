"""Machine code is made once, and what is damaged is made anew; threads and processes share it."""

import os
import subprocess
import sys
import threading
import time

import pytest

from tests.support.forking import forked, needs_fork

pytest.importorskip("llvmlite")

from anygrad.compiler.targets.native import folders, storage
from anygrad.compiler.targets.native.storage import clear, code_for
from tests.compiler.native.keeping import (
    counts,
    only_file,
    point_to,
    refused_and_replaced,
    run,
    text_of,
)

pytestmark = pytest.mark.usefixtures("kernels")


def alone(*lines):
    """A process of its own that has run some lines."""
    script = [
        "from anygrad.compiler.targets.native.folders import find_folder",
        "from anygrad.compiler.targets.native.storage import *",
        *lines,
    ]
    return subprocess.Popen(
        [sys.executable, "-c", "\n".join(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


# what is kept


def test_code_is_made_once_then_shared_then_loaded(kernels):
    code = code_for(text_of(1))
    assert run(code) == 1
    assert code_for(text_of(1)) is code
    del code
    assert run(code_for(text_of(1))) == 1
    assert counts() == {"made": 1, "shared": 1, "loaded": 1}
    assert folders._NAME.fullmatch(only_file(kernels).name)


def test_another_text_processor_or_version_is_another_file(kernels, monkeypatch):
    code_for(text_of(1))
    code_for(text_of(2))
    monkeypatch.setattr(storage, "identity", lambda: "another processor")
    code_for(text_of(1))
    monkeypatch.setattr(storage, "VERSION", storage.VERSION + 1)
    code_for(text_of(1))
    assert counts() == {"made": 4}
    assert len(list(kernels.iterdir())) == 4


def test_other_functions_of_a_module_come_from_the_same_file(kernels):
    text = text_of(1) + text_of(2).replace("kernel", "other")
    first, second = code_for(text), code_for(text, ("other", "kernel"))
    assert (run(first), run(second), run(second, "other")) == (1, 1, 2)
    assert counts() == {"made": 1, "loaded": 1}
    with pytest.raises(RuntimeError, match="missing"):
        code_for(text, ("missing",))


def test_without_waiting_only_what_is_there_is_given():
    assert code_for(text_of(1), wait=False) is None
    assert counts() == {}
    code = code_for(text_of(1))
    assert code_for(text_of(1), wait=False) is code
    del code
    assert run(code_for(text_of(1), wait=False)) == 1
    assert counts() == {"made": 1, "shared": 1, "loaded": 1}


def test_what_is_no_module_is_an_error_each_time(kernels):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="parsing"):
            code_for("define nonsense")
    assert storage._making == {}
    assert not kernels.exists()


def test_clear_removes_its_own_files_only(kernels):
    code_for(text_of(1))
    code_for(text_of(2))
    half = "0" * 64 + "." + "0" * 16 + ".tmp"
    for name in (half, "mine.o", f"{'0' * 64}.o.bak", "x" + "0" * 64 + ".o"):
        (kernels / name).write_bytes(b"")
    assert clear() == 3
    names = [f"{'0' * 64}.o.bak", "mine.o", "x" + "0" * 64 + ".o"]
    assert sorted(x.name for x in kernels.iterdir()) == names
    assert clear() == 0


# what is not trusted


DAMAGE = {
    "empty": lambda x: b"",
    "half a header": lambda x: x[:40],
    "a header alone": lambda x: x[:84],
    "one byte less": lambda x: x[:-1],
    "one byte more": lambda x: x + b"\0",
    "another program's": lambda x: b"\x7fELF" + x[4:],
    "another version": lambda x: x[:8] + b"\x09" + x[9:],
    "another key": lambda x: x[:20] + bytes([x[20] ^ 1]) + x[21:],
    "another length": lambda x: x[:44] + bytes([x[44] ^ 1]) + x[45:],
    "another checksum": lambda x: x[:60] + bytes([x[60] ^ 1]) + x[61:],
    "a flipped bit": lambda x: x[:300] + bytes([x[300] ^ 16]) + x[301:],
    "a flipped last bit": lambda x: x[:-1] + bytes([x[-1] ^ 1]),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_not_run(kernels, damage):
    code_for(text_of(1))
    path = only_file(kernels)
    path.write_bytes(damage(path.read_bytes()))
    refused_and_replaced(kernels)


def test_a_file_under_the_name_of_another_is_not_run(kernels):
    code_for(text_of(1))
    (mine,) = kernels.iterdir()
    code_for(text_of(2))
    (other,) = set(kernels.iterdir()) - {mine}
    other.replace(mine)
    storage._counts["made"] -= 1
    refused_and_replaced(kernels)


# threads and processes


def test_threads_that_ask_at_once_make_it_once(monkeypatch):
    calls, found, barrier = [], [], threading.Barrier(8)
    assemble = storage.assemble

    def slow(text):
        calls.append(text)
        time.sleep(0.1)
        assert code_for(text_of(1), wait=False) is None
        return assemble(text)

    def ask():
        barrier.wait()
        found.append(code_for(text_of(1)))

    monkeypatch.setattr(storage, "assemble", slow)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert {id(code) for code in found} == {id(found[0])}
    assert counts() == {"made": 1, "shared": 7}


def test_who_waited_for_a_failure_tries_it(monkeypatch):
    begun, go, failures = threading.Event(), threading.Event(), []
    assemble = storage.assemble

    def fail_once(text):
        if begun.is_set():
            return assemble(text)
        begun.set()
        go.wait()
        raise MemoryError

    def ask():
        try:
            code_for(text_of(1))
        except MemoryError as error:
            failures.append(error)

    monkeypatch.setattr(storage, "assemble", fail_once)
    threads = [threading.Thread(target=ask) for _ in range(2)]
    threads[0].start()
    begun.wait()
    threads[1].start()
    time.sleep(0.02)
    go.set()
    for thread in threads:
        thread.join()
    assert len(failures) == 1
    assert counts() == {"made": 1}


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """The folder of the platform, which a new process uses, too, by its environment."""
    monkeypatch.delenv("ANYGRAD_KERNEL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "xdg"))
    point_to(monkeypatch, "")
    return tmp_path / "xdg" / "anygrad" / "kernels"


def test_the_next_process_loads_what_this_one_made(shared):
    code_for(text_of(1))
    process = alone(f"code_for({text_of(1)!r})", "print(*statistics(), find_folder()[0])")
    out, _ = process.communicate("", timeout=60)
    assert out.split() == ["0", "1", "0", "0", str(shared)]


WORK = """
import ctypes, os
from anygrad.compiler.targets.llvmlite import identity
identity()
def work():
    for n in range(5):
        code = code_for('define i64 @kernel() {\\n  ret i64 %d\\n}' % n)
        assert ctypes.CFUNCTYPE(ctypes.c_int64)(code.addresses['kernel'])() == n
    os.write(1, (' '.join(map(str, statistics())) + '\\n').encode())  # lines stay whole
"""


def check_work(shared, answers):
    """That each of eight processes got 5 codes, and left nothing but their files."""
    assert len(answers) == 8
    made, loaded, refused, _ = map(sum, zip(*[map(int, x.split()) for x in answers], strict=True))
    assert (made + loaded, refused) == (40, 0)
    assert made >= 5
    names = [x.name for x in shared.iterdir()]
    assert len(names) == 5
    assert all(folders._NAME.fullmatch(name) for name in names)


@needs_fork
def test_eight_processes_at_once(shared):
    # forked by a new one, to import things once; --slow runs eight new ones
    fork = (
        "import sys",
        "children = [os.fork() or (work(), os._exit(0)) for _ in range(8)]",
        "sys.exit(any([os.waitpid(child, 0)[1] for child in children]))",
    )
    process = alone(WORK, *fork)
    out, _ = process.communicate("", timeout=60)
    assert process.returncode == 0
    check_work(shared, out.splitlines())


@pytest.mark.slow
def test_eight_new_processes_at_once(shared):
    processes = [alone(WORK, "print('ready', flush=True)", "input(), work()") for _ in range(8)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    check_work(shared, [process.communicate(timeout=60)[0].strip() for process in processes])


@needs_fork
def test_a_forked_process_has_the_code_and_makes_more(kernels):
    code = code_for(text_of(1))

    def child():
        assert code_for(text_of(1)) is code
        assert run(code) == 1
        assert run(code_for(text_of(2))) == 2

    assert forked(child) == 0
    assert run(code_for(text_of(2), wait=False)) == 2
    assert len(list(kernels.iterdir())) == 2


@needs_fork
def test_a_forked_process_does_not_wait_for_threads_of_its_parent(monkeypatch):
    begun, go, assemble, parent = (
        threading.Event(),
        threading.Event(),
        storage.assemble,
        os.getpid(),
    )

    def slow(text):
        if os.getpid() == parent:
            begun.set()
            go.wait()
        return assemble(text)

    monkeypatch.setattr(storage, "assemble", slow)
    thread = threading.Thread(target=code_for, args=(text_of(1),))
    thread.start()
    begun.wait()
    with storage._lock:
        status = forked(lambda: code_for(text_of(1)))
    go.set()
    thread.join()
    assert status == 0
