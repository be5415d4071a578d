"""Find the rates of a predator-prey model from noisy counts, with their standard errors.

The equations are integrated by plain array code, which is differentiated as it stands; the
Jacobian of all counts by all parameters goes to Levenberg-Marquardt.
"""

import argparse

import numpy as np

import anygrad as ag

TRUE = {"births": 0.6, "hunting": 0.025, "deaths": 0.8, "feeding": 0.02}
START, GUESS = (30.0, 4.0), {"births": 0.5, "hunting": 0.02, "deaths": 0.7, "feeding": 0.015}
STEP, EVERY, COUNTS, SIGMA = 0.1, 5, 40, 1.0  # a count after every fifth step


def change(p, prey, predators):
    """The equations of Lotka and Volterra."""
    met = prey * predators
    return p["births"] * prey - p["hunting"] * met, p["feeding"] * met - p["deaths"] * predators


def simulate(p, start):
    """Counts of both at equal times by the classical method of Runge and Kutta, (COUNTS, 2)."""
    prey, predators = start
    seen = []
    for step in range(COUNTS * EVERY):
        a = change(p, prey, predators)
        b = change(p, prey + STEP / 2 * a[0], predators + STEP / 2 * a[1])
        c = change(p, prey + STEP / 2 * b[0], predators + STEP / 2 * b[1])
        d = change(p, prey + STEP * c[0], predators + STEP * c[1])
        prey = prey + STEP / 6 * (a[0] + 2.0 * b[0] + 2.0 * c[0] + d[0])
        predators = predators + STEP / 6 * (a[1] + 2.0 * b[1] + 2.0 * c[1] + d[1])
        if step % EVERY == EVERY - 1:
            seen.append(ag.namespace(prey, predators).stack([prey, predators]))
    return ag.namespace(*seen).stack(seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
    with ag.use_backend(parser.parse_args().backend):
        true, guess = ({k: ag.asarray(v) for k, v in p.items()} for p in (TRUE, GUESS))
        noise = SIGMA * np.random.default_rng(0).normal(size=(COUNTS, 2))
        counts = simulate(true, START) + ag.asarray(noise)

    def residuals(p):
        return (simulate(p, START) - counts) / SIGMA

    result = ag.least_squares(residuals, guess)
    print(result.message)
    errors = result.standard_errors(absolute_sigma=True)
    print("rate      true     found    standard error")
    for name, value in TRUE.items():
        found, error = (float(ag.to_numpy(part[name])) for part in (result.x, errors))
        print(f"{name:8} {value:7.4f} {found:9.5f} {error:11.5f}")
    freedom = 2 * COUNTS - len(TRUE)
    print(f"chi squared per degree of freedom: {2 * float(ag.to_numpy(result.cost)) / freedom:.3f}")


if __name__ == "__main__":
    main()
