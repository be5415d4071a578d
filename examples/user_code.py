"""Fit a damped pendulum to what was seen of it, by the derivative of its simulation as it stands.

The simulation is ordinary code: helpers, numbers, `math`, a loop that fills an array. Gauss and
Newton's method needs the derivative of every angle by every parameter.
"""

import argparse
import math

import numpy as np

import anygrad as ag

STEPS, DT = 150, 0.05
TRUE = [9.0, 0.4, 1.2]  # (frequency squared, damping, first angle)


def acceleration(angle, speed, square, damping):
    return -square * math.sin(angle) - damping * speed


def rk4_step(angle, speed, *p):
    a1 = acceleration(angle, speed, *p)
    a2 = acceleration(angle + 0.5 * DT * speed, speed + 0.5 * DT * a1, *p)
    a3 = acceleration(angle + 0.5 * DT * (speed + 0.5 * DT * a1), speed + 0.5 * DT * a2, *p)
    a4 = acceleration(angle + DT * (speed + 0.5 * DT * a2), speed + DT * a3, *p)
    angle = angle + DT * speed + DT * DT / 6.0 * (a1 + a2 + a3)
    return angle, speed + DT / 6.0 * (a1 + 2.0 * a2 + 2.0 * a3 + a4)


def simulate(params):
    angles = ag.namespace(params).zeros(STEPS)
    angle, speed = params[2], 0.0
    for k in range(STEPS):
        angles[k] = angle
        angle, speed = rk4_step(angle, speed, params[0], params[1])
    return angles


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", help="numpy or cupy")
    backend = parser.parse_args().backend
    guess, noise = np.asarray([7.0, 0.1, 1.0]), np.random.default_rng(0).normal(size=STEPS)
    measured = simulate(np.asarray(TRUE)) + 0.02 * noise
    report = ag.check_gradients(lambda p: np.sum((simulate(p) - measured) ** 2), guess)
    print(f"derivative of {STEPS} steps against differences: {report.verdict}")
    with ag.use_backend(backend):
        params, seen = ag.asarray(guess.tolist()), ag.asarray(measured.tolist())
    xp = ag.namespace(params)

    def residuals(params):
        r = simulate(params) - seen
        return r, r  # the second comes back as it is

    for step in range(8):
        slopes, r = ag.jacobian(residuals, has_aux=True)(params)
        print(f"step {step}: rms of the residuals {float(ag.to_numpy(xp.mean(r**2))) ** 0.5:.5f}")
        normal = xp.matmul(xp.matrix_transpose(slopes), slopes)
        right = xp.matmul(xp.matrix_transpose(slopes), r)
        params = params - xp.linalg.solve(normal, right[:, None])[:, 0]
    found = ", ".join(f"{p:.3f}" for p in ag.to_numpy(params))
    print(f"found {found}; true {', '.join(map(str, TRUE))}; noise 0.02")


if __name__ == "__main__":
    main()
