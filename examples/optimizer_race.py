"""Eight optimizers race over four landscapes, with a picture of their paths.

Rates are the best of 1, 2, 5 times powers of ten for each landscape, but Prodigy's, which is always
1. They fall to 0 along a cosine, as advised; Rprop and schedule-free descent need no schedule.
"""

import argparse

import numpy as np

import anygrad as ag

o, STEPS = ag.optimizers, 400
NOISE = np.random.default_rng(1).normal(size=(STEPS, 2))


def valley(x, y):  # Rosenbrock's
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def ravine(x, y):  # 100 times as steep across as along
    return ((x + y) ** 2 + 100 * (y - x) ** 2) / 4


def saddle(x, y):  # flat in the middle, three ways down
    return x**3 - 3 * x * y**2 + (x**2 + y**2) ** 2


def bumps(x, y):
    return (x**2 + y**2 - np.cos(1.5 * np.pi * x) - np.cos(1.5 * np.pi * y)) / 2


WAYS = [(-0.75, 0.0), (0.375, 0.375 * 3**0.5), (0.375, -0.375 * 3**0.5)]
LANDSCAPES = {  # function, start, minima, size of the noise, limits of the picture
    "valley": (valley, (-1.5, 2.0), [(1.0, 1.0)], 0.0, ((-2, 1.6), (-1, 3))),
    "ravine": (ravine, (-2.0, -0.5), [(0.0, 0.0)], 0.0, ((-2.6, 1.4), (-2.1, 1.3))),
    "saddle": (saddle, (0.9, 0.02), WAYS, 0.0, ((-1.4, 1.1), (-1.2, 1.2))),
    "noisy bumps": (bumps, (2.6, -2.2), [(0.0, 0.0)], 1.0, ((-3, 3.4), (-3.2, 2.6))),
}


def falling(make, **options):
    return lambda rate: make(ag.schedules.cosine(rate, STEPS), **options)


RACERS = {  # how it is made, and its rate in each landscape
    "sgd": (falling(o.sgd), (0.002, 0.02, 0.2, 0.2)),
    "momentum": (falling(o.sgd, momentum=0.9), (0.002, 0.02, 0.1, 0.02)),
    "rmsprop": (falling(o.rmsprop), (0.2, 0.1, 0.01, 0.5)),
    "adam": (falling(o.adam), (1.0, 1.0, 0.5, 0.5)),
    "lion": (falling(o.lion), (0.1, 0.05, 0.01, 0.02)),
    "rprop": (o.rprop, (0.1, 0.05, 0.2, 5.0)),
    "schedule-free": (o.schedule_free_sgd, (0.01, 0.01, 0.2, 2.0)),
    "prodigy": (falling(o.prodigy), (1.0, 1.0, 1.0, 1.0)),
}


def run(optimizer, function, start, noise):
    """Points that the optimizer visits, first to last."""
    params = ag.asarray(start)
    state = optimizer.init(params)
    slope = ag.grad(lambda p: function(p[0], p[1]))
    visited = [params]
    for step in range(STEPS):
        grads = slope(params) + ag.asarray(noise * NOISE[step])
        params, state = optimizer.step(params, grads, state)
        visited.append(o.evaluation_params(params, state))
    return ag.to_numpy(ag.namespace().stack(visited))


def race():
    """All landscapes with all paths; and how far from a minimum each path ends."""
    landscapes, ends = {}, {name: [] for name in RACERS}
    for k, (title, (function, start, minima, noise, limits)) in enumerate(LANDSCAPES.items()):
        paths = {n: run(make(r[k]), function, start, noise) for n, (make, r) in RACERS.items()}
        landscapes[title] = ag.plots.Landscape(function, paths, minima, limits)
        for name, path in paths.items():
            ends[name].append(np.min(np.linalg.norm(path[-1] - np.asarray(minima), axis=1)))
    return landscapes, ends


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    ag.configure(backend=parser.parse_args().backend)
    landscapes, ends = race()
    print(f"distance to a minimum after {STEPS} steps: {', '.join(landscapes)} (see race.png)")
    for name, distances in ends.items():
        print(f"{name:13}", *(f"{distance:9.1e}" for distance in distances))
    ag.plots.race_grid(landscapes, "race.png")
