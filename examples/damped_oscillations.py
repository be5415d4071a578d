"""Take a sound apart into damped oscillations: exp, sin and cos of all samples in one loop.

Amplitudes, rates of decay, frequencies and phases are fitted to noisy samples. On NumPy arrays the
compiled gradient becomes machine code after a few replays, where llvmlite is installed; the program
prints what became of it, and how long a gradient takes.
"""

import argparse
import time

import numpy as np

import anygrad as ag

SAMPLES, ROUNDS = 50_000, 250
TRUTH = {
    "amplitude": np.array([1.0, 0.7, 0.5]),
    "decay": np.array([2.0, 1.0, 3.0]),
    "frequency": np.array([40.0, 67.0, 95.0]),
    "phase": np.array([0.3, 1.2, -0.5]),
}
GUESS = {
    "amplitude": np.array([0.8, 0.8, 0.8]),
    "decay": np.array([1.5, 1.5, 1.5]),
    "frequency": np.array([39.5, 67.4, 94.6]),
    "phase": np.array([0.0, 1.0, 0.0]),
}


def sound(params, t):
    """The sum of the oscillations; rows are oscillations, columns are samples."""
    xp = ag.namespace(t)
    amplitude, decay, frequency, phase = [
        params[name][:, None] for name in ("amplitude", "decay", "frequency", "phase")
    ]
    waves = amplitude * xp.exp(-decay * t) * xp.sin(frequency * t + phase)
    return xp.sum(waves, axis=0)


def misfit(params, t, heard):
    xp = ag.namespace(t)
    difference = sound(params, t) - heard
    return xp.mean(difference * difference)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    t = np.linspace(0.0, 2.0, SAMPLES)
    heard = sound(TRUTH, t) + 0.1 * np.random.default_rng(0).normal(size=SAMPLES)
    with ag.use_backend(parser.parse_args().backend):
        t, heard = ag.asarray(t), ag.asarray(heard)
        params = {name: ag.asarray(x) for name, x in GUESS.items()}
    gradient = ag.compile(ag.value_and_grad(misfit))
    optimizer = ag.optimizers.adam(ag.schedules.cosine(0.1, ROUNDS))
    state = optimizer.init(params)
    value, grads = gradient(params, t, heard)
    for _ in range(ROUNDS):
        value, grads = gradient(params, t, heard)
        params, state = optimizer.step(params, grads, state)
    found = {name: ag.to_numpy(x) for name, x in params.items()}
    for name, x in found.items():
        print(f"{name:10s} {np.round(x, 2)}  instead of {TRUTH[name]}")
    told = gradient.explain(params, t, heard)
    start = time.perf_counter()
    for _ in range(5):
        value, grads = gradient(params, t, heard)
    ag.to_numpy(value)  # wait for the device
    seconds = (time.perf_counter() - start) / 5
    print(f"replayed {told.target}: {1000 * seconds:.1f} ms for a gradient")
    assert all(np.allclose(found[name], x, atol=0.1) for name, x in TRUTH.items())


if __name__ == "__main__":
    main()
