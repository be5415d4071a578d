"""Find where a rod was heated from four thermometers: a compiled training step over a scan.

A time stepper of 400 steps is differentiated with respect to the temperatures at the start. The
step is recorded once by `scan`, and gradient and optimizer are compiled as one function whose
arguments give their memory to the results.
"""

import argparse

import numpy as np

import anygrad as ag

POINTS, STEPS, ROUNDS = 64, 400, 200
CONDUCTIVITY, THERMOMETERS = 0.25, (0, 21, 42, 63)


def heat(temperatures, _):
    """One explicit step of the heat equation; both ends are insulated."""
    xp = ag.namespace(temperatures)
    flux = CONDUCTIVITY * (temperatures[1:] - temperatures[:-1])
    zero = xp.zeros_like(flux[:1])
    change = xp.concat([flux, zero]) - xp.concat([zero, flux])
    temperatures = temperatures + change
    return temperatures, xp.stack([temperatures[k] for k in THERMOMETERS])


def measure(start):
    """What the thermometers show over time."""
    _, shown = ag.scan(heat, start, length=STEPS)
    return shown


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    place = np.linspace(0.0, 1.0, POINTS)
    truth = np.exp(-(((place - 0.3) / 0.1) ** 2)) + 0.5 * np.exp(-(((place - 0.8) / 0.05) ** 2))
    with ag.use_backend(parser.parse_args().backend):
        truth, start = ag.asarray(truth), ag.asarray(np.zeros(POINTS))
    measured = measure(truth)
    optimizer = ag.optimizers.adam(ag.schedules.cosine(0.1, ROUNDS))

    def loss(start):
        xp = ag.namespace(start, measured)
        return xp.mean((measure(start) - measured) ** 2)

    def improve(start, state):
        value, gradient = ag.value_and_grad(loss)(start)
        return value, *optimizer.step(start, gradient, state)

    train = ag.compile(improve, donate=("start", "state"))
    state = optimizer.init(start)
    print("round  misfit")
    for k in range(ROUNDS):
        value, start, state = train(start, state)
        if k % 50 == 0:
            print(f"{k:5d}  {float(ag.to_numpy(value)):.3e}")
    report = ag.check_gradients(loss, start)
    assert report.ok, report
    found, true = (float(ag.to_numpy(rod[: POINTS // 2].sum())) for rod in (start, truth))
    print(f"heat in the left half: {found:.3f}, truly {true:.3f}")
    print(train.explain(start, state))


if __name__ == "__main__":
    main()
