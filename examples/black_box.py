"""The gradient of a misfit through an ODE solver, with error bars, beside the exact one.

SciPy's solver chooses its steps and its loops are out of reach, so the misfit is only called. What
an error bar covers is the function that is called: its noise has to be the solver's error.
"""

import argparse

import numpy as np
from scipy.integrate import solve_ivp

import anygrad as ag

TIMES = np.linspace(0.5, 10.0, 20)
RATES = [1.0, 0.35, 0.12, 0.45]  # births of hares, meetings, births of lynxes, their deaths


def populations(rates, start, rtol, sensitive=False):
    """Hares and lynxes over time; with ``sensitive`` their derivatives by the rates too."""
    a, b, c, d = rates

    def change(_, state):
        x, y = state[:2]
        flow = [a * x - b * x * y, c * x * y - d * y]
        if not sensitive:
            return flow
        slopes = np.reshape(state[2:], (2, 4))
        by_state = np.asarray([[a - b * y, -b * x], [c * y, c * x - d]])
        by_rates = np.asarray([[x, -x * y, 0, 0], [0, 0, x * y, -y]])
        return [*flow, *np.ravel(by_state @ slopes + by_rates)]

    return solve_ivp(change, (0, 10), start, t_eval=TIMES, rtol=rtol, atol=rtol / 1e3).y


MEASURED = populations([1.1, 0.4, 0.1, 0.4], [10.0, 5.0], 1e-10)


def misfit(rates, rtol=1e-6):
    """Called with arrays of any library; the solver works on the host."""
    y = populations(ag.to_numpy(rates), [10.0, 5.0], rtol)
    return float(np.mean((y - MEASURED) ** 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", help="of the rates and of the gradient")
    ag.configure(backend=parser.parse_args().backend)
    rates = ag.asarray(RATES)
    # rates have scales of their own, none is negative, and the solver takes one point a call
    options = {"scale": rates, "bounds": (0.0, None), "evaluate": "loop", "full_output": True}

    noise = abs(misfit(rates) - misfit(rates, rtol=1e-9))  # what the solver's tolerance leaves
    as_called = ag.differences.gradient(misfit, rates, **options)
    of_the_ode = ag.differences.gradient(misfit, rates, noise=noise, **options)

    y = populations(RATES, [10.0, 5.0, *[0.0] * 8], 1e-11, sensitive=True)
    slopes = np.reshape(y[2:], (2, 4, -1))
    exact = 2.0 * np.einsum("it,ijt->j", y[:2] - MEASURED, slopes) / MEASURED.size

    print(f"the misfit is {misfit(rates):.6f}, with an error of about {noise:.0e}")
    for name, found in (("as called", as_called), (f"noise={noise:.0e}", of_the_ode)):
        value, bar = ag.to_numpy(found.value), ag.to_numpy(found.error)
        print(f"{name}, {found.evaluations} solutions:")
        for k in range(4):
            error = abs(value[k] - exact[k])
            print(f"  {value[k]:10.5f} +- {bar[k]:.0e}, off the sensitivities by {error:.0e}")


if __name__ == "__main__":
    main()
