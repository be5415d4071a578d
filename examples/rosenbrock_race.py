"""Optimizers racing down Rosenbrock's valley, with a picture of their paths."""

import argparse

import anygrad as ag
from anygrad import plots

START, MINIMUM, STEPS = (-1.5, 2.0), (1.0, 1.0), 1000

RACERS = {
    "sgd": ag.optimizers.sgd(1e-3),
    "momentum": ag.optimizers.sgd(5e-4, momentum=0.9),
    "nesterov": ag.optimizers.sgd(5e-4, momentum=0.9, nesterov=True),
    "adagrad": ag.optimizers.adagrad(0.5),
    "rmsprop": ag.optimizers.rmsprop(ag.schedules.cosine(0.02, STEPS)),
    "adam": ag.optimizers.adam(0.05, b2=0.99),
}


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def race(optimizer):
    """Points that the optimizer visits, first to last."""
    params = ag.asarray(START)
    state = optimizer.init(params)
    slope = ag.grad(lambda p: rosenbrock(p[0], p[1]))
    visited = [params]
    for _ in range(STEPS):
        params, state = optimizer.step(params, slope(params), state)
        visited.append(params)
    return ag.to_numpy(ag.namespace().stack(visited))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    ag.configure(backend=parser.parse_args().backend)

    paths = {name: race(optimizer) for name, optimizer in RACERS.items()}
    print(f"{'':9} {'f at the end':>13} {'distance to (1, 1)':>19}")
    for name, path in sorted(paths.items(), key=lambda item: rosenbrock(*item[1][-1])):
        x, y = path[-1]
        distance = ((x - MINIMUM[0]) ** 2 + (y - MINIMUM[1]) ** 2) ** 0.5
        print(f"{name:9} {rosenbrock(x, y):13.2e} {distance:19.2e}")

    title = f"{STEPS} steps down Rosenbrock's valley"
    plots.race(paths, rosenbrock, "rosenbrock.png", minimum=MINIMUM, title=title)
    print("rosenbrock.png shows the paths")


if __name__ == "__main__":
    main()
