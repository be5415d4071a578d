"""Fit a simulator that nothing can trace, its gradient by differences spread over processes.

SciPy solves for three substances that turn into each other, and chooses its own steps. A gradient
takes a dozen solutions or more, which the processes of a pool share.
"""

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from scipy.integrate import solve_ivp

import anygrad as ag

TIMES = np.linspace(0.5, 8.0, 16)
TRUE = [1.2, 0.4, 0.7, 0.3, 0.5, 0.2]  # rates: three forward (the last leaves), two back, one feeds
GUESS = [1.0, 0.5, 0.5, 0.5, 0.4, 0.3]


# At the top level, so that the processes find it: each of them imports this file.
def simulate(rates):
    def change(_, y):
        forward, back = rates[:3] * y / (1 + y), rates[3:5] * y[1:]
        gain = [rates[5] + back[0], forward[0] + back[1], forward[1]]
        loss = [forward[0], forward[1] + back[0], forward[2] + back[1]]
        return np.asarray(gain) - np.asarray(loss)

    return solve_ivp(change, (0, 8), [2.0, 0.5, 0.1], t_eval=TIMES, rtol=1e-9, atol=1e-11).y


def misfit(log_rates):
    return float(np.mean((simulate(np.exp(log_rates)) - MEASURED) ** 2))


MEASURED = simulate(np.asarray(TRUE))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--backend", default="numpy", help="where the optimizer works: numpy, cupy")
    ag.configure(backend=parser.parse_args().backend)
    params, optimizer = ag.asarray(np.log(GUESS).tolist()), ag.optimizers.adam(0.05)
    state = optimizer.init(params)

    # Instead: Client().get_executor() of Dask, MPIPoolExecutor() of mpi4py, ThreadPoolExecutor()
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for step in range(61):
            point = ag.to_numpy(params)  # the simulator works on the host
            slope = ag.differences.gradient(misfit, point, executor=pool)
            if step % 15 == 0:
                print(
                    f"step {step:2}: misfit {misfit(point):.2e}, slope {np.linalg.norm(slope):.2e}"
                )
            params, state = optimizer.step(params, ag.asarray(slope.tolist()), state)
        alone = ag.differences.gradient(misfit, point)
        shared = ag.differences.gradient(misfit, point, executor=pool)
    print(f"the gradient in one process is the same: {bool(np.all(alone == shared))}")
    rates = ", ".join(f"{rate:.2f}" for rate in np.exp(ag.to_numpy(params)))
    print(f"rates found {rates}; true {', '.join(map(str, TRUE))}")


if __name__ == "__main__":
    main()
