"""``anygrad bench``: a minute of measuring on this machine, as ratios within one run.

Contestants take turns, medians are shown. An optimizer step is compared with the time that its
memory traffic alone takes, a gradient with the formula written out by hand in the same library.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import anygrad as ag
from anygrad.backends import device_of, get_backend, namespace_of
from anygrad.cli.check import write_json
from anygrad.ranges import check_count

LENGTH, LEAVES = 2_000_000, 200
EXAMPLES = """examples:
  anygrad bench
  anygrad bench --backend cupy --json figures.json
  anygrad bench --rounds 3 --small                   a few seconds, for a first look"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``anygrad bench``."""
    parser.add_argument("--backend", help="the library of the arrays; default: the setting")
    parser.add_argument("--rounds", type=int, default=15, help="how often each; default 15")
    parser.add_argument("--small", action="store_true", help="small arrays, for a first look")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    rounds = check_count("--rounds", arguments.rounds, low=1)
    backend = arguments.backend or ag.settings().backend
    findings = []
    with ag.use_backend(backend, dtype="float64"):
        x = ag.asarray(np.zeros(1))
        print(f"{backend} {get_backend(backend).version()} on {device_of(x)}, float64, medians of")
        print(f"{rounds} rounds; the range is that of all rounds")
        for title, contestants, share in make_contests(LENGTH // (100 if arguments.small else 1)):
            times = race(contestants, rounds)
            findings.append(show(title, times, share))
    if arguments.json is not None:
        write_json(arguments.json, {"backend": backend, "rounds": rounds, "contests": findings})
    return 0


def race(contestants: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant, round by round, in turn; the first call does not count."""
    for contestant in contestants.values():
        wait_for(contestant())
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            start = time.perf_counter()
            wait_for(contestant())
            times[name].append(time.perf_counter() - start)
    return times


def wait_for(result: Any) -> None:
    """Read one number of the result, so that a device has done its work."""
    leaf = ag.trees.leaves(result)[-1]
    xp = namespace_of(leaf)
    ag.to_numpy(xp.reshape(leaf, (-1,))[:1])


def show(title: str, times: dict[str, list[float]], share: float) -> dict[str, Any]:
    """Print one contest; ratios are to the last contestant, times its share."""
    *_, yardstick = times
    base = statistics.median(times[yardstick]) * share
    print(f"\n{title}")
    rows = []
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        spread = f"{min(seconds) * 1e3:.3g} to {max(seconds) * 1e3:.3g}"
        ratio = middle / base
        print(f"  {name:34} {middle * 1e3:9.3g} ms  ({spread})  {ratio:6.2f}")
        rows.append({"name": name, "seconds": seconds, "ratio": ratio})
    return {"title": title, "yardstick": yardstick, "share": share, "contestants": rows}


def make_contests(length: int) -> list[tuple[str, dict[str, Callable[[], Any]], float]]:
    """Title, contestants and how much of the last one's time counts as 1."""
    rng = np.random.default_rng(0)
    flat, grad = ag.asarray(rng.standard_normal(length)), ag.asarray(rng.standard_normal(length))
    xp = namespace_of(flat)
    cut = max(length // LEAVES, 1)
    leaves = [flat[k * cut : (k + 1) * cut] + 0.0 for k in range(LEAVES)]
    pieces = [grad[k * cut : (k + 1) * cut] + 0.0 for k in range(LEAVES)]
    adam = ag.optimizers.adam(1e-3)
    state, states = adam.init(flat), adam.init(leaves)
    x = ag.asarray(rng.standard_normal((128, 64)))
    w = ag.asarray(rng.standard_normal((64, 32)) / 8.0)
    point = ag.asarray(rng.standard_normal(100))

    def network(w: Any) -> Any:
        return ag.namespace(w).sum(ag.namespace(w).tanh(ag.namespace(w).matmul(x, w)) ** 2)

    def network_by_hand() -> Any:
        y = xp.tanh(x @ w)
        return xp.matrix_transpose(x) @ (2.0 * y * (1.0 - y * y))

    def chain(v: Any) -> Any:
        names = ag.namespace(v)
        return names.sum(names.sin(v) * names.exp(-v * v))

    def chain_by_hand() -> Any:
        e = xp.exp(-flat * flat)
        return e * (xp.cos(flat) - 2.0 * flat * xp.sin(flat))

    def quadratic(v: Any) -> Any:
        return ag.namespace(v).sum(v * v, axis=0)

    # a step of Adam reads p, g, m, v and writes p, m, v: 7 passes; a copy makes 2
    return [
        (
            f"a step of Adam on {length:,} numbers; 1 is the time of its memory traffic",
            {
                "one vector": lambda: adam.step(flat, grad, state),
                f"{LEAVES} leaves": lambda: adam.step(leaves, pieces, states),
                "a copy of the vector": lambda: flat + 0.0,
            },
            3.5,
        ),
        (
            "gradient of a network 64-32, 128 examples; 1 is the formula written by hand",
            {"anygrad.grad": lambda: ag.grad(network)(w), "by hand": network_by_hand},
            1.0,
        ),
        (
            f"gradient of sum sin(x) exp(-x^2), {length:,} numbers; 1 is by hand",
            {"anygrad.grad": lambda: ag.grad(chain)(flat), "by hand": chain_by_hand},
            1.0,
        ),
        (
            "gradient of a function of 100 numbers; 1 is the automatic one",
            {
                "differences.gradient": lambda: ag.differences.gradient(quadratic, point),
                "anygrad.grad": lambda: ag.grad(quadratic)(point),
            },
            1.0,
        ),
    ]
