"""Less common ways with arrays: grids, bins, groups, views, records, reductions of ufuncs."""

import itertools

import numpy as np

from tests.corpus.registry import pattern

X = np.array([0.5, -1.2, 2.0, 0.3])
M = np.array([[0.5, -1.2, 2.0], [0.3, 0.8, -0.4]])


@pattern(np.array([0.2, 1.7]))
def linspace_between_parameters(p):
    t = np.linspace(p[0], p[1], 9)
    y = np.exp(-(t**2))
    return np.trapezoid(y, t)


@pattern(np.array([0.2, 1.7]))
def constant_arrays_of_parameters(p):
    a = np.full((2, 3), p[0])
    b = np.ones(3) * p[1]
    c = np.geomspace(1.0, 8.0, 4) ** p[0]
    return (a @ b).sum() + c.mean()


@pattern(X)
def meshgrid_and_broadcast_to(x):
    U, V = np.meshgrid(x, x[:2])
    W = np.broadcast_to(x, (2, 4))
    return np.sum(U * V**2 + W)


@pattern(X)
def bincount_with_weights(w):
    groups = np.array([0, 2, 2, 1])
    sums = np.bincount(groups, weights=w, minlength=4)
    return np.sum(sums**2)


@pattern(X)
def histogram_with_weights(w):
    heights, edges = np.histogram([0.1, 0.4, 0.45, 0.9], bins=4, range=(0, 1), weights=w)
    return np.sum(heights**2) * (edges[1] - edges[0])


@pattern(np.array([0.2, 1.7, 2.4]))
def searchsorted_interpolation(t):
    knots, values = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 3.0, -1.0, 0.5])
    k = np.searchsorted(knots, t) - 1
    u = (t - knots[k]) / (knots[k + 1] - knots[k])
    return np.sum(values[k] * (1 - u) + values[k + 1] * u)


@pattern(X)
def digitize_and_choose(x):
    bins = np.digitize(x, [0.0, 1.0])
    parts = np.choose(bins, [x**2, 3 * x, np.exp(x)])
    return parts.sum()


@pattern(X)
def unique_groups_mean(x):
    labels = np.array(["a", "b", "a", "c"])
    names, inverse = np.unique(labels, return_inverse=True)
    means = np.array([x[inverse == g].mean() for g in range(len(names))])
    return np.prod(means)


@pattern(X)
def sort_in_place(x):
    y = x.copy()
    y.sort()
    return y @ np.array([1.0, 2.0, 3.0, 4.0])


@pattern(X)
def ufunc_reductions(x):
    total = np.add.reduce(x) + np.maximum.reduce(x) + np.multiply.reduce(x)
    running = np.add.accumulate(x)
    table = np.subtract.outer(x, x)
    return total + running[2] + np.logaddexp.reduce(x) + np.abs(table).max()


@pattern(M)
def axis_gymnastics(m):
    a = np.moveaxis(m[None], 0, -1)
    b = np.squeeze(np.swapaxes(a, 0, 1))
    c = np.expand_dims(b, 1).transpose((2, 0, 1)).reshape(-1, 3)
    d = np.einsum("...j,kj->...k", c, m)
    return np.sum(d[::-1, ::-1] * np.flipud(np.fliplr(m[:, :2])))


@pattern(M)
def tiling_and_repeating(m):
    a = np.tile(m, (2, 1)) * np.repeat(m, 2, axis=0)
    first, *others = np.array_split(a, 3)
    return first.sum() + sum(np.prod(o) for o in others) + np.concatenate(a)[::3].sum()


@pattern(M)
def reductions_over_axes(m):
    a = m.sum(axis=1, keepdims=True) * m.mean(0)
    b = np.cumprod(m, axis=1)[:, -1] + m.prod(axis=1)
    c = m.max(axis=0) - m.min(axis=0) + np.average(m, axis=0, weights=[1.0, 3.0])
    return a.sum() + b @ b + np.linalg.norm(c) + m.cumsum()[-2]


@pattern(M)
def nan_aware_statistics(m):
    a = np.where(m > 1, np.nan, m)
    return np.nanmean(a) + np.nanmax(a, axis=1).sum() + np.nanstd(a)


@pattern(np.array([0.4, -1.3, 2.2]))
def sinc_heaviside_and_friends(x):
    y = np.sinc(x) + np.heaviside(x, 0.5) * x + np.reciprocal(x) + np.cbrt(x) + np.fabs(x)
    z = np.hypot(x, 1.0) + np.exp2(x) + np.log2(x**2 + 1) + np.arcsinh(x) + np.positive(x)
    return np.sum(y * z) + np.float_power(x[0], 1.5) + np.i0(x[1])


@pattern(np.array([0.4, -1.3, 2.2]))
def remainders_and_rounding(x):
    wrapped = np.mod(x, 1.0) + np.fmod(x, 1.0)
    integer, fraction = np.floor(x), x - np.floor(x)
    part, whole = np.modf(x)
    return np.sum(wrapped * fraction) + np.sum(integer * x) + (part * np.rint(whole)).sum()


@pattern(np.array([0.3, 0.6]))
def real_and_imaginary_parts(p):
    z = p[0] + 1j * p[1]
    w = np.array([z, z**2, 1 / z])
    w.real[0] = 0.5
    polar = np.abs(w) * np.exp(1j * np.angle(w))
    return np.sum(polar.imag**2) + np.conjugate(z).real + w.real.sum()


@pattern(np.array([0.3 + 0.2j, -0.5 + 1.0j]))
def function_of_complex_parameters(z):
    w = np.exp(1j * z) + z.conj() ** 2
    return np.sum(np.abs(w) ** 2) + np.real(z[0] * z[1])


@pattern(X)
def fromfunction_and_indices(x):
    K = np.fromfunction(lambda i, j: np.exp(-((i - j) ** 2)), (4, 4))
    i, j = np.indices((4, 4))
    T = x[np.abs(i - j)]
    return x @ K @ x + np.tril(T, -1).sum()


@pattern(X)
def structured_records(x):
    table = np.zeros(2, dtype=[("mass", float), ("speed", float)])
    table["mass"] = x[:2]
    table["speed"] = x[2:]
    return np.sum(0.5 * table["mass"] * table["speed"] ** 2)


@pattern(X)
def object_arrays(x):
    cells = np.empty(2, dtype=object)
    cells[0] = x[:3]
    cells[1] = x[1:] * 2
    return sum(c.sum() ** 2 for c in cells)


@pattern(X)
def frompyfunc_and_apply(x):
    clipped = np.frompyfunc(lambda v: v if v > 0 else 0.1 * v, 1, 1)(x)
    return np.sum(clipped.astype(float) ** 2)


@pattern(X)
def masked_arrays(x):
    m = np.ma.masked_where(x < 0, x)
    return m.sum() + m.mean() ** 2


@pattern(X)
def padding_modes(x):
    reflected = np.pad(x, 2, mode="reflect")
    wrapped = np.pad(x, (1, 2), mode="wrap")
    zeros = np.pad(x.reshape(2, 2), ((0, 1), (1, 0)), constant_values=0.5)
    return reflected @ reflected + wrapped[0] * wrapped[-1] + np.linalg.det(zeros[:, :3])


@pattern(X)
def conditional_extraction(x):
    positive = np.extract(x > 0, x)
    (where,) = np.nonzero(x > 0.4)
    k = np.flatnonzero(x < 0)[0]
    any_large = np.any(x > 1.5)
    y = np.compress([True, False, True, True], x)
    return positive.prod() + x[where].sum() * x[k] + (y**2).sum() * any_large


@pattern(X)
def place_and_masked_fill(x):
    y = x * 1.0
    np.place(y, y < 0, [0.25])
    np.putmask(y, y > 1, y**2)
    z = np.where(np.isnan(y), 0, y)
    return np.nan_to_num(z).sum() + np.clip(y, None, 1.5).sum() + np.minimum(y, 0.4).prod()


@pattern(X)
def iterating_in_odd_ways(x):
    total = 0.0
    for v in np.nditer(np.arange(4)):
        total += x[int(v)] * int(v)
    for left, right in itertools.pairwise(x):
        total += left * right
    for k in np.ndindex(2, 2):
        total += x.reshape(2, 2)[k] ** 2
    return total + next(reversed(x)) + list(x)[-2]


@pattern(np.array([[1.0, 0.2, 0.1], [0.2, 2.0, 0.3]]))
def batched_linear_algebra(m):
    A = np.einsum("ni,nj->nij", m, m) + np.eye(3)
    x = np.linalg.solve(A, m[..., None])[..., 0]
    return np.linalg.det(A).sum() + (x * m).sum() + np.trace(np.linalg.inv(A), axis1=1, axis2=2)[1]
