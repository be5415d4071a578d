"""Logistic regression on data that fill a GPU: coefficients, and how far each may be off.

The data are drawn on the device, piece by piece, from coefficients that are known, so what comes
out can be judged: it has to lie within its standard errors. The log-likelihood is fitted at once by
L-BFGS; the information matrix, its second derivative, is added up over pieces of the rows.
For a GPU: --backend cupy --rows 10_000_000 --columns 100 takes 4 GB, and 8 with --dtype float64.
"""

import argparse
import importlib
import time

import numpy as np

import anygrad as ag

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--backend", default="numpy", choices=["numpy", "cupy"])
parser.add_argument("--rows", type=int, default=200_000)
parser.add_argument("--columns", type=int, default=20)
parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
options = parser.parse_args()
ag.configure(backend=options.backend, dtype=options.dtype)
rng = importlib.import_module(options.backend).random.default_rng(0)  # draws on the device
xp, dtype = ag.namespace(), np.dtype(options.dtype)
PIECE = 100_000  # rows


def expit(x):
    return 0.5 * (1.0 + ag.namespace(x).tanh(0.5 * x))


def pieces():
    return [slice(k, min(k + PIECE, options.rows)) for k in range(0, options.rows, PIECE)]


def draw(coefficients):
    """Rows of normal numbers, and for each whether the event took place."""
    columns = xp.empty((options.rows, options.columns), dtype=dtype)
    events = xp.empty(options.rows, dtype=dtype)
    for piece in pieces():
        size = piece.stop - piece.start
        columns[piece] = ag.asarray(rng.standard_normal((size, options.columns), dtype=dtype))
        chance = ag.asarray(rng.random(size, dtype=dtype))
        events[piece] = xp.astype(chance < expit(columns[piece] @ coefficients), dtype)
    return columns, events


def surprise(coefficients, columns, events):
    """Sum of the negative log-likelihoods: log(1 + exp(s)) - events s, without an overflow."""
    xp = ag.namespace(coefficients)
    s = columns @ coefficients
    return xp.sum(xp.maximum(s, 0.0) + xp.log1p(xp.exp(-xp.abs(s))) - events * s)


def mean_surprise(coefficients, columns, events):
    return surprise(coefficients, columns, events) / options.rows


start = time.perf_counter()
true = np.random.default_rng(1).normal(size=options.columns) / options.columns**0.5
columns, events = draw(ag.asarray(true.astype(dtype)))
ag.to_numpy(events[-1])  # waits for the device
print(f"{options.rows:,} rows drawn in {time.perf_counter() - start:.2f} s")

start = time.perf_counter()
nothing = xp.zeros(options.columns, dtype=dtype)
result = ag.minimize(mean_surprise, nothing, args=(columns, events), method="lbfgs", gtol=1e-6)
found = ag.to_numpy(result.x)
print(f"fitted in {time.perf_counter() - start:.2f} s: {result.nfev} gradients; {result.message}")

start = time.perf_counter()
curvature = ag.compile(ag.hessian(surprise))
information = sum(curvature(result.x, columns[piece], events[piece]) for piece in pieces())
covariance = np.linalg.inv(ag.to_numpy(information).astype(np.float64))
errors = np.sqrt(np.diag(covariance))
print(f"second derivatives in {time.perf_counter() - start:.2f} s")

print("true       found      standard error")
for k in range(min(5, options.columns)):
    print(f"{true[k]:9.5f}  {found[k]:9.5f}  {errors[k]:.5f}")
off = abs(found - true) / errors
print(f"off by {np.mean(off**2) ** 0.5:.2f} standard errors on average, {off.max():.2f} at most")
assert result.success, result.message
assert off.max() < 5.0, "the coefficients are not those of the data"
