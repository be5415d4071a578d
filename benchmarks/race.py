"""A race: contestants that compute the same thing, checked, then timed in turn, round after round.

The machine's mood changes within seconds, so times are compared within one round only: the figure
is the median, over the rounds, of our time divided by the peer's time in the same round.
"""

import gc
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.lab import Lab, Unusable, to_vector

OURS = "anygrad"


@dataclass(frozen=True)
class Contestant:
    """One way to do the work.

    ``make()`` prepares everything and returns the call to be timed; it imports what it needs.
    ``package`` is the peer it comes from, None for ourselves and for code written by hand.
    ``moved`` is the number of bytes that one call has to read and write, where memory is the limit.
    ``expected`` and ``rtol`` replace those of the race, for a yardstick or another convention.
    ``finish(result)`` waits for a library that may not have given the device its work yet.
    """

    name: str
    make: Callable[[], Callable[[], Any]]
    package: str | None = None
    moved: int | None = None
    expected: np.ndarray | None = None
    rtol: float | None = None
    finish: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Target:
    """At most this: our time divided by the peer's, or our seconds above it (``difference``)."""

    peer: str
    at_most: float
    ours: str = OURS
    measure: str = "ratio"


ROUND_SECONDS = 0.004  # calls are repeated so that one measurement takes about this long


@dataclass(frozen=True)
class Race:
    """What a row of the table is made of.

    ``expected`` comes from elsewhere than any contestant's code. ``read`` takes from a result what
    is compared with it. ``checks`` calls are made before the result is read. After ``cap`` seconds
    no other peer is prepared, and no round is begun beyond the third.
    """

    contestants: list[Contestant]
    expected: np.ndarray
    read: Callable[[Any], Any] = lambda result: result
    targets: list[Target] = field(default_factory=list)
    rtol: float = 1e-9
    checks: int = 1
    rounds: int = 25
    round_seconds: float = ROUND_SECONDS
    cap: float = math.inf
    tells_time: bool = False  # the call returns (seconds, result) rather than being timed


@dataclass(frozen=True)
class Row:
    """A race under its name; ``make(lab)`` prepares it."""

    name: str
    make: Callable[[Lab], Race]
    backends: tuple[str, ...] = ("numpy", "cupy")


FEWEST_ROUNDS = 3


def run_race(race: Race, lab: Lab, peers: bool = True) -> dict[str, Any]:
    """Check every contestant, time those that are right, and compare."""
    outcomes, calls = {}, {}
    end = time.monotonic() + race.cap
    for contestant in race.contestants:
        if contestant.package is not None and not peers:
            outcomes[contestant.name] = {"status": "left out"}
            continue
        if contestant.package is not None and time.monotonic() > end:
            reason = f"left out: the row took its {race.cap:g} s before"
            outcomes[contestant.name] = {"status": reason}
            continue
        status, call = enter(contestant, race)
        outcomes[contestant.name] = {"status": status}
        if call is not None:
            calls[contestant.name] = call
    times = measure(race, calls, lab, end)
    for contestant in race.contestants:
        if contestant.name in times:
            outcomes[contestant.name] |= summarise(times[contestant.name], contestant.moved)
    return {
        "contestants": [{"name": name, **outcome} for name, outcome in outcomes.items()],
        "compared": [
            compare(times, OURS, name) for name in times if name != OURS and OURS in times
        ],
        "targets": [judge(target, times) for target in race.targets],
    }


def enter(contestant: Contestant, race: Race) -> tuple[str, Callable[[], Any] | None]:
    """Prepare a contestant and compare its result; the reason where it cannot be timed."""
    try:
        call = contestant.make()
        for _ in range(race.checks):
            result = call()
        got = to_vector(race.read(result[1] if race.tells_time else result))
    except ModuleNotFoundError as error:
        if contestant.package is not None and (error.name or "").startswith(contestant.package):
            return "not installed", None
        return f"failed: {error}", None
    except Unusable as error:
        return f"unusable: {error}", None
    except Exception as error:  # one contestant must not end the run of all others
        if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__:
            return "unusable: out of memory", None
        return f"failed: {type(error).__name__}: {error}", None
    error = distance(got, race.expected if contestant.expected is None else contestant.expected)
    allowed = race.rtol if contestant.rtol is None else contestant.rtol
    if not error <= allowed:
        return f"wrong: relative error {error:.1e}, allowed {allowed:.0e}", None
    return "measured", call


def distance(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest error relative to the largest expected value."""
    if got.shape != expected.shape:
        return float("inf")
    size = float(np.max(np.abs(expected), initial=0.0)) or 1.0
    return float(np.max(np.abs(got - expected), initial=0.0)) / size


def measure(
    race: Race, calls: dict[str, Callable[[], Any]], lab: Lab, end: float = math.inf
) -> dict[str, list[float]]:
    """Seconds of each contestant, one number a round; few rounds after the moment ``end``."""
    rounds = min(race.rounds, FEWEST_ROUNDS) if lab.quick else race.rounds
    repeats = {name: 1 for name in calls}
    finish = {contestant.name: contestant.finish for contestant in race.contestants}
    if not race.tells_time:
        for name, call in calls.items():
            time_calls(call, 1, lab, finish[name])  # what is compiled or cached at the second call
            once = min(time_calls(call, 1, lab, finish[name]) for _ in range(3))
            repeats[name] = max(1, round(race.round_seconds / max(once, 1e-9)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    free_a_large_array()
    order = list(calls.items())
    for turn in range(rounds):
        if turn >= FEWEST_ROUNDS and time.monotonic() > end:
            break
        first = turn % len(order) if order else 0  # no one always comes first, or after the rest
        for name, call in order[first:] + order[:first]:
            if race.tells_time:
                times[name].append(call()[0])
            else:
                times[name].append(time_calls(call, repeats[name], lab, finish[name]))
    return times


def free_a_large_array() -> None:
    """Bring the C library's allocator into the state of a program that has run for a while.

    Until a large block is freed, glibc returns every block of 128 KB to the system at once, and the
    page faults hide the code that is timed; which rows ran before would then change the figures.
    """
    np.ones(3_900_000)  # 31 MB, just below the limit that glibc puts on what it learns


def time_calls(
    call: Callable[[], Any], repeats: int, lab: Lab, finish: Callable[[Any], Any] | None = None
) -> float:
    """Seconds a call; the device has finished before the clock starts and before it stops."""
    wait = lab.wait
    wait()
    start = time.perf_counter()
    for _ in range(repeats - 1):
        call()
    result = call()
    if finish is not None:
        finish(result)
    wait()
    return (time.perf_counter() - start) / repeats


def summarise(seconds: list[float], moved: int | None) -> dict[str, float]:
    """Median and fastest round; bytes a second where the number of bytes is known."""
    median = statistics.median(seconds)
    found = {"seconds": median, "fastest": min(seconds)}
    return found if moved is None else {**found, "bytes_per_second": moved / median}


def compare(times: dict[str, list[float]], ours: str, peer: str, kind: str = "ratio") -> dict:
    """The median, over the rounds, of our time against the peer's, with the quartiles."""
    both = zip(times[ours], times[peer], strict=True)
    each = [a / b if kind == "ratio" else a - b for a, b in both]
    low, middle, high = statistics.quantiles(each, n=4, method="inclusive")
    return {"ours": ours, "peer": peer, kind: middle, "quartiles": [low, high]}


def judge(target: Target, times: dict[str, list[float]]) -> dict[str, Any]:
    """A target beside what was measured; ``met`` is None where one of the two was not timed."""
    stated = {"measure": target.measure, "at_most": target.at_most, "met": None}
    if target.ours not in times or target.peer not in times:
        return {"ours": target.ours, "peer": target.peer, target.measure: None, **stated}
    found = compare(times, target.ours, target.peer, target.measure)
    return {**found, **stated, "met": found[target.measure] <= target.at_most}
