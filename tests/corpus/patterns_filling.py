"""Arrays that are filled, written in place, copied, converted and put together from numbers."""

import itertools

import numpy as np

from tests.corpus.registry import pattern

X = np.array([0.5, -1.2, 2.0, 0.3])


@pattern(X)
def fill_zeros_in_a_loop(x):
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i] ** 2 + np.sin(x[i])
    return out.sum()


@pattern(X)
def fill_empty_with_neighbours(x):
    n = x.shape[0]
    y = np.empty(n)
    y[0] = x[0]
    y[-1] = x[-1]
    for i in range(1, n - 1):
        y[i] = (x[i - 1] + 2 * x[i] + x[i + 1]) / 4
    return np.dot(y, y)


@pattern(np.array([0.3, 0.8]))
def array_of_computed_numbers(p):
    a, b = p
    J = np.array([[np.cos(a), -b * np.sin(a)], [np.sin(a), b * np.cos(a)]])
    return np.trace(J @ J.T) + J[0, 1]


@pattern(np.array([1.0, 2.0, 2.0]))
def residuals_into_zeros(b):
    # HIPS/autograd issue 375
    c = np.zeros(2)
    c[0] = b[0] * b[0]
    c[1] = b[1] * b[0] + b[2]
    return np.linalg.norm(c)


@pattern(np.arange(4.0).reshape(2, 2) + 0.5)
def block_into_zeros(A):
    # HIPS/autograd issue 58
    B = np.zeros((4, 4))
    B[:2, :2] = A
    B[2:, 2:] = A.T * 2
    return np.sum(B**2)


@pattern(np.linspace(0.1, 1.0, 9))
def patch_of_a_global_canvas(b):
    # HIPS/autograd issue 559
    a = np.ones((7, 7))
    a[2:5, 3:6] = b.flatten().reshape((3, 3))
    return (a * a).sum() + a[3, 4]


@pattern(X)
def in_place_updates(x):
    y = x.copy()
    y += 1.0
    y *= x
    y[1:] -= 0.5 * y[:-1]
    y /= 3
    y **= 2
    return y.sum()


@pattern(X)
def write_through_a_view(x):
    A = np.zeros((2, 4))
    row = A[1]
    row[:] = x**2
    A[0, ::2] = x[:2]
    return (A * np.arange(8).reshape(2, 4)).sum()


@pattern(X)
def boolean_mask_assignment(x):
    y = np.array(x, dtype=float)
    y[y < 0] = 0.1 * y[y < 0]
    return np.sum(y**2)


@pattern(X)
def add_at_repeated_indices(w):
    hist = np.zeros(3)
    np.add.at(hist, [0, 2, 2, 1], w)
    return (hist**2).sum()


@pattern(X)
def copyto_and_full_like(w):
    y = np.full_like(w, w[0])
    np.copyto(y[2:], w[2:] ** 2)
    return np.sum(y * w)


@pattern(X)
def out_arguments(x):
    buffer = np.empty_like(x)
    np.multiply(x, 3.0, out=buffer)
    np.tanh(buffer, out=buffer)
    total = np.zeros(())
    np.sum(buffer, out=total)
    return float(total)


@pattern(X)
def flat_and_fill(x):
    M = np.zeros((2, 2))
    M.flat[:] = x
    D = np.empty((2, 2))
    D.fill(x[3])
    return (M @ D).sum()


@pattern(X)
def row_and_column_stacking(x):
    A = np.r_[x, 1.0, x[:2] ** 2]
    B = np.c_[x, np.ones(4), np.sqrt(np.abs(x))]
    return A.sum() + np.sum(B.T @ B)


@pattern(X)
def append_and_insert(x):
    padded = np.append(np.insert(x, 0, 2 * x[0]), x[-1] ** 2)
    shorter = np.delete(padded, 2)
    return np.prod(shorter)


@pattern(X)
def list_then_array(x):
    rows = []
    for i, xi in enumerate(x):
        rows.append([1.0, xi, xi**2, i])
    V = np.array(rows)
    return np.sum(V[:, 1] * V[:, 2]) + V.shape[1] * V[0, 1]


@pattern(X)
def tolist_and_item(x):
    values = x.tolist()
    total = 0.0
    for v in values:
        total += v * v
    return total + x[2].item() * x.sum().item()


@pattern(X)
def conversions_at_the_start(x):
    x = np.asarray(x, dtype=np.float64)
    x = np.atleast_1d(x)
    x = np.array(x, dtype=float, copy=True).astype(float)
    x = np.ascontiguousarray(x).ravel()
    return np.mean(x**3)


@pattern(X)
def symmetric_from_triangle(v):
    S = np.zeros((2, 2))
    S[np.triu_indices(2)] = v[:3]
    S = S + S.T - np.diag(np.diag(S))
    return np.linalg.det(S) + v[3] * np.trace(S)


@pattern(X)
def fill_diagonal_of_identity(v):
    A = np.eye(4) * 0.5
    np.fill_diagonal(A, v)
    A[0, 3] = v[1]
    return (A @ A).trace() + A[0] @ v


@pattern(X)
def object_of_arrays_concatenated(x):
    parts = [x[:2], np.array([x[3]]), np.zeros(1), 3 * x[1:3]]
    joined = np.concatenate(parts)
    table = np.vstack([joined, np.hstack((x, x[:2]))])
    return np.sum(table[0] * table[1])


@pattern(X)
def cumulative_in_place(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    for k in range(1, y.size):
        y[k] = y[k - 1] * 0.9 + x[k]
    y[[0, 2]] = y[[2, 0]]
    return y @ np.array([1.0, 2.0, 3.0, 4.0])


@pattern(X)
def fromiter_of_a_generator(x):
    squares = np.fromiter((v * v for v in x), dtype=float, count=len(x))
    return squares.max() + squares.sum()


@pattern(X)
def array_of_pairs(x):
    pairs = np.array([[a, b] for a, b in itertools.combinations(x, 2)])
    return np.sum(np.abs(pairs[:, 0] - pairs[:, 1]))


@pattern(X)
def nested_indexing_fill(x):
    # common in first programs: table[i][j] instead of table[i, j]
    St = np.ones((3, 3))
    St[0][0] = x[0]
    for k in range(1, 3):
        St[k][k] = 0.9 * St[k - 1][k - 1]
        St[0][k] = 1.1 * St[0][k - 1] + x[k]
    return St.sum() + St[2][2] * x[3]


@pattern(X)
def swap_columns_and_roll(x):
    A = np.outer(x, x + 1)
    A[:, [0, 1]] = A[:, [1, 0]]
    A[0] = np.roll(A[0], 1)
    A[2:4, 1:3] *= 2
    return np.sum(A * np.arange(16).reshape(4, 4))


@pattern(X)
def put_and_take(x):
    y = np.zeros(6)
    np.put(y, [0, 3, 5], x[:3])
    np.put_along_axis(y, np.array([1]), x[3:], axis=0)
    return np.take(y, [0, 1, 1, 5]).sum() ** 2


@pattern(X)
def structured_loop_with_ndenumerate(x):
    A = np.zeros((2, 2))
    for (i, j), v in np.ndenumerate(x.reshape(2, 2)):
        A[j, i] = v * (1 + i) ** (1 + j)
    return (A**2).sum()
