"""Steps and clips return before the GPU has done anything: nothing in them waits for it.

``python -m tests.parity.waits --backend cupy``: a kernel that does nothing for a second is put into
the stream first. A call that reads a value, copies pageable memory or synchronises comes back only
when that kernel has ended, whatever the speed of the machine; one that waits for nothing comes back
while it still runs. Each call has been made before, so nothing is compiled or allocated anew.
Without a GPU, the look-alike of CuPy refuses every copy to the host instead.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import anygrad as ag
from tests.support import forbid_host_copies, open_for_program

SECONDS = 1.0  # how long the device is kept busy, or ten times as long as the call takes
WARM = 4
SPIN = r"""
extern "C" __global__ void spin(long long ticks) {
    const long long start = clock64();
    while (clock64() - start < ticks) {
    }
}
"""


def cases(xp: Any) -> dict[str, Callable[[], Any]]:
    """What must not wait, each ready to be called again and again."""
    o = ag.optimizers
    clip = o.chain(o.clip_by_global_norm(0.5), o.adamw(ag.schedules.cosine(0.01, 1000)))
    checked = o.chain(o.clip_by_global_norm(0.5, nonfinite="skip"), o.adam(0.01))
    return {
        "Adam": stepping(xp, o.adam(0.01)),
        "clip and AdamW with a schedule": stepping(xp, clip),
        "clip that skips what is not finite": stepping(xp, checked),
        "global norm": clipping(xp),
        "compiled training step": training(xp),
        "compiled gradient": gradient(xp),
    }


def leaves(xp: Any, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [xp.asarray(rng.normal(size=100 + 37 * k)) for k in range(8)]


def stepping(xp: Any, optimizer: Any) -> Callable[[], Any]:
    params, grads = leaves(xp, 0), leaves(xp, 1)
    state = optimizer.init(params)

    def call() -> Any:
        nonlocal params, state
        params, state = optimizer.step(params, grads, state, donate=True)
        return params

    return call


def clipping(xp: Any) -> Callable[[], Any]:
    grads = leaves(xp, 1)
    return lambda: ag.clipping.clip_by_global_norm(grads, 0.5)


def training(xp: Any) -> Callable[[], Any]:
    rng = np.random.default_rng(0)
    params = {"w": xp.asarray(rng.normal(size=(6, 3))), "b": xp.asarray(rng.normal(size=3))}
    x, y = xp.asarray(rng.normal(size=(32, 6))), xp.asarray(rng.normal(size=(32, 3)))
    optimizer = ag.optimizers.adam(0.01)
    state = optimizer.init(params)

    def loss(params: Any) -> Any:
        return np.mean((np.tanh(x @ params["w"] + params["b"]) - y) ** 2)

    def step(params: Any, state: Any) -> Any:
        value, grads = ag.value_and_grad(loss)(params)
        return value, *optimizer.step(params, grads, state)

    made = ag.compile(step, donate=(0, 1))

    def call() -> Any:
        nonlocal params, state
        value, params, state = made(params, state)
        return value

    return call


def gradient(xp: Any) -> Callable[[], Any]:
    x = xp.asarray(np.linspace(0.0, 1.0, 10_007))
    made = ag.compile(ag.grad(lambda x: np.sum(np.tanh(x) * np.exp(-x * x))))
    return lambda: made(x)


class Busy:
    """A device that is kept busy, and tells whether it still is."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        self.kernel = cupy.RawKernel(SPIN, "spin")
        self.event = cupy.cuda.Event()
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        ticks = 10_000_000
        for _ in range(2):  # compiled, and at full clock
            begin.record()
            self.kernel((1,), (1,), (np.int64(ticks),))
            end.record()
            end.synchronize()
        self.rate = ticks / (1e-3 * cupy.cuda.get_elapsed_time(begin, end))

    def begin(self, seconds: float) -> None:
        """Put the kernel that does nothing into the current stream."""
        self.cupy.cuda.Device().synchronize()
        self.kernel((1,), (1,), (np.int64(seconds * self.rate),))
        self.event.record()

    @property
    def lasts(self) -> bool:
        return not self.event.done


def waits_on_gpu(call: Callable[[], Any], busy: Busy) -> str:
    """What is wrong with a call; "" where it came back while the device was busy."""
    start = time.perf_counter()
    call()
    busy.cupy.cuda.Device().synchronize()
    seconds = max(SECONDS, 10 * (time.perf_counter() - start))
    busy.begin(seconds)
    start = time.perf_counter()
    call()
    taken = time.perf_counter() - start
    lasted = busy.lasts
    busy.cupy.cuda.Device().synchronize()
    return (
        "" if lasted else f"it came back after {taken:.3f} s, the device was busy for {seconds} s"
    )


def waits_on_lookalike(call: Callable[[], Any]) -> str:
    try:
        with forbid_host_copies():
            call()
    except AssertionError as error:
        return str(error)
    return ""


@contextlib.contextmanager
def any_stream(cupy: Any, own: bool) -> Iterator[None]:
    """The default stream, or one of the caller's own."""
    with cupy.cuda.Stream(non_blocking=True) if own else contextlib.nullcontext():
        yield


def find_waits(xp: Any, kernels: str, own: bool = False) -> dict[str, str]:
    """What is wrong with each case."""
    import cupy

    found = {}
    with ag.use_settings(kernels=kernels), any_stream(cupy, own):
        busy = None if getattr(cupy, "__lookalike__", False) else Busy(cupy)
        for name, call in cases(xp).items():
            for _ in range(WARM):
                call()
            found[name] = waits_on_lookalike(call) if busy is None else waits_on_gpu(call, busy)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Call them all; 1 if one waits."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.waits")
    parser.add_argument("--backend", choices=("cupy", "cupy-lookalike"), default="cupy")
    options = parser.parse_args(arguments)
    xp = open_for_program(options.backend)
    if xp is None:
        return 2
    wrong = False
    for kernels, own in (("off", False), ("always", False), ("always", True)):
        where = f"kernels {kernels}, {'a stream of its own' if own else 'the default stream'}"
        for name, reason in find_waits(xp, kernels, own).items():
            print(f"WAITS {name}, {where}: {reason}" if reason else f"no wait: {name}, {where}")
            wrong = wrong or bool(reason)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
