"""``anygrad check``: whether this installation is right, or the gradient of a function.

Without a function, some routines are carried out on every backend that can be used here and
compared with NumPy. With one, its gradient is compared with numerical derivatives.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import anygrad as ag
from anygrad.backends import describe_backends, get_backend
from anygrad.checking import GradientReport
from anygrad.errors import AnygradError, ArgumentError
from anygrad.files import written_whole

LIMIT = 1e-12
EXAMPLES = """examples:
  anygrad check                                      every backend of this machine
  anygrad check --backend cupy
  anygrad check model.py:loss --shape 3,4            at a random point of this shape
  anygrad check package.model:loss --at points.npz   at x0, x1, ... of a file, one an argument
  anygrad check model.py:loss --shape 9 --order 2    its second derivatives, too
  anygrad check model.py:loss --shape 9 --plot e.png error against step at the worst element"""
_START = np.linspace(0.2, 1.4, 12).reshape(3, 4)
_WEIGHTS = np.cos(np.arange(12.0)).reshape(4, 3)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``anygrad check``."""
    parser.add_argument(
        "function", nargs="?", help="file.py:name or module:name, a function of arrays"
    )
    parser.add_argument("--backend", help="this backend only; for a function, its arrays")
    parser.add_argument(
        "--shape",
        action="append",
        metavar="N,M,...",
        help="shape of an argument, drawn at random; once for each; '' for a number",
    )
    parser.add_argument("--at", metavar="FILE", help="arguments from a .npy, .npz or .json file")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the random point and directions; default 0"
    )
    parser.add_argument(
        "--order", type=int, choices=(1, 2), default=1, help="2 checks second derivatives, too"
    )
    parser.add_argument(
        "--directions", type=int, metavar="K", help="check along so many random directions only"
    )
    parser.add_argument(
        "--plot", metavar="FILE", help="draw error against step; the suffix says the format"
    )
    parser.add_argument("--json", metavar="FILE", help="write the findings to a file")


def run(arguments: argparse.Namespace) -> int:
    """Check; the status is 0 if everything is right."""
    if arguments.function is None:
        given = arguments.shape or arguments.at or arguments.plot or arguments.directions
        if given or arguments.order != 1:
            message = (
                "check: got --shape, --at, --order, --directions or --plot without a function. "
                "Name it, as file.py:name."
            )
            raise ArgumentError(message)
        return check_installation(arguments.backend, arguments.json)
    return check_function(arguments)


def check_installation(chosen: str | None, target: str | None) -> int:
    """Compare every usable backend with NumPy, and NumPy's gradients with differences."""
    if chosen is not None:
        get_backend(chosen)  # an unknown one is named, with the nearest
    rows = [row for row in describe_backends() if chosen in (None, row["name"])]
    findings, failed = [], False
    for row in rows:
        if row["problem"]:
            print(f"{row['name']:8} not checked: {row['problem']}")
            failed = failed or chosen is not None
            continue
        for name, routine in ROUTINES.items():
            difference, problem = compare(routine, row["name"])
            ok = not problem and difference <= LIMIT
            failed = failed or not ok
            shown = problem or f"{difference:.1e}"
            print(f"{row['name']:8} {name:32} {'ok' if ok else 'WRONG':6} {shown}")
            findings.append({"backend": row["name"], "routine": name, "ok": ok, "found": shown})
    if target is not None:
        write_json(target, findings)
    print("something is wrong" if failed else "all right")
    return 1 if failed else 0


def write_json(path: str, found: Any) -> None:
    """Write findings, whole or not at all."""
    try:
        with written_whole(path) as file:
            file.write(json.dumps(found, indent=1).encode() + b"\n")
    except OSError as error:
        message = f"--json: {path} cannot be written: {error}."
        raise ArgumentError(message) from error


def compare(routine: Callable[[Any], Any], backend: str) -> tuple[float, str]:
    """The largest relative difference to NumPy, and what went wrong."""
    try:
        with ag.use_backend(backend, dtype="float64"):
            found = ag.to_numpy(ag.trees.leaves(routine(ag.asarray)))
    except Exception as error:  # the table shows it, and the others go on
        return np.inf, f"{type(error).__name__}: {error}"
    expected = ag.trees.leaves(routine(np.asarray))
    pairs = zip(found, expected, strict=True)
    return max(float(np.max(np.abs(a - b)) / np.max(np.abs(b))) for a, b in pairs), ""


def _loss(x: Any, w: Any) -> Any:
    xp = ag.namespace(x, w)
    return xp.sum(xp.tanh(xp.matmul(x, w)) ** 2) + xp.sum(xp.exp(x) * x)


def _step(make: Any) -> Any:
    grads = {"x": make(_START), "w": make(_WEIGHTS)}
    params = {"x": make(_START * 2.0), "w": make(_WEIGHTS * 3.0)}
    chain = ag.optimizers.chain(ag.optimizers.clip_by_global_norm(0.5), ag.optimizers.adam(0.1))
    return chain.step(params, grads, chain.init(params))[0]


ROUTINES: dict[str, Callable[[Any], Any]] = {
    "gradient": lambda make: ag.grad(_loss, (0, 1))(make(_START), make(_WEIGHTS)),
    "derivative along a direction": lambda make: ag.jvp(
        lambda x: _loss(x, make(_WEIGHTS)), (make(_START),), (make(_START) * 0.5,)
    ),
    "second derivative": lambda make: ag.jvp(
        ag.grad(lambda x: _loss(x, make(_WEIGHTS))), (make(_START),), (make(_START),)
    )[1],
    "gradient is the difference": lambda make: np.asarray(
        1.0 + ag.check_gradients(lambda x: _loss(x, make(_WEIGHTS)), make(_START)).ok
    ),
    "clipping and a step of Adam": _step,
}


def check_function(arguments: argparse.Namespace) -> int:
    """Compare the gradient of the user's function with numerical derivatives."""
    function = find_function(arguments.function)
    points = find_points(arguments)
    if arguments.backend is not None:
        with ag.use_backend(arguments.backend):
            points = [ag.asarray(p) for p in points]
    try:
        report = ag.check_gradients(
            function,
            *points,
            argnums=tuple(range(len(points))),
            order=arguments.order,
            directions=arguments.directions,
            seed=arguments.seed,
        )
    except AnygradError:
        raise
    except Exception as error:
        traceback.print_exception(error, limit=-3)
        message = f"check({arguments.function}): the function raised {type(error).__name__}."
        raise ArgumentError(message) from error
    print(report)
    if arguments.plot is not None:
        draw(report, arguments.plot)
    if arguments.json is not None:
        write_json(arguments.json, describe(arguments.function, report))
    return 0 if report.ok else 1


def draw(report: GradientReport, path: str) -> None:
    """Write the picture of the worst element; say where it is, or why there is none."""
    try:
        report.plot(path)
    except (OSError, ValueError) as error:
        message = f"--plot: {path} cannot be written: {error}."
        raise ArgumentError(message) from error
    print(f"picture: {path}")


def describe(function: str, report: GradientReport) -> dict[str, Any]:
    """What a program wants to know of a report."""
    worst = report.worst
    operation = report.operation
    return {
        "function": function,
        "ok": report.ok,
        "verdict": report.verdict,
        "cause": report.cause,
        "worst": None if worst is None else worst.place,
        "operation": None if operation is None else operation.name,
        "report": str(report),
    }


def find_function(name: str) -> Callable[..., Any]:
    """The function that ``file.py:name`` or ``module:name`` means."""
    where, _, attribute = name.partition(":")
    if not attribute:
        message = f"check(function): got {name!r}; expected file.py:name or module:name."
        raise ArgumentError(message)
    try:
        module = _load(where)
    except Exception as error:  # whatever the user's file raises
        traceback.print_exception(error, limit=-2)
        message = f"check(function): {where} cannot be imported, {type(error).__name__}: {error}."
        raise ArgumentError(message) from error
    function = getattr(module, attribute, None)
    if callable(function):
        return function
    offered = [n for n, v in vars(module).items() if callable(v) and not n.startswith("_")]
    hint = ag.errors.suggest(attribute, offered)
    message = f"check(function): {where} has no function {attribute!r}. {hint}"
    raise ArgumentError(message.rstrip())


def _load(where: str) -> Any:
    path = Path(where)
    if path.suffix != ".py":
        sys.path.insert(0, "")
        return importlib.import_module(where)
    if not path.is_file():
        message = f"no file {where}"
        raise FileNotFoundError(message)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def find_points(arguments: argparse.Namespace) -> list[np.ndarray]:
    """The arguments: from a file, or random of the given shapes."""
    if bool(arguments.at) == bool(arguments.shape):
        message = "check(--at, --shape): got both or neither; expected one of them. See --help."
        raise ArgumentError(message)
    if arguments.at:
        return _read(Path(arguments.at))
    rng = np.random.default_rng(arguments.seed)
    return [rng.standard_normal(_shape(text)) for text in arguments.shape]


def _shape(text: str) -> tuple[int, ...]:
    try:
        shape = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        message = f"check(--shape): got {text!r}; expected lengths, as 3,4."
        raise ArgumentError(message) from error
    if any(n < 1 for n in shape):
        message = f"check(--shape): got {text!r}; expected lengths of at least 1."
        raise ArgumentError(message)
    return shape


def _read(path: Path) -> list[np.ndarray]:
    try:
        if path.suffix == ".json":
            return [np.asarray(part, dtype=float) for part in json.loads(path.read_text())]
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, TypeError) as error:
        message = f"check(--at): {path} cannot be read: {error}."
        raise ArgumentError(message) from error
    return [found] if isinstance(found, np.ndarray) else [found[name] for name in found.files]
