"""Linear algebra: library calls and textbook algorithms written out."""

import numpy as np
import scipy.linalg as sla

from tests.corpus.registry import pattern

A3 = np.array([[4.0, 1.0, 0.3], [0.8, 3.0, 0.5], [0.2, 0.9, 5.0]])
SPD = A3 @ A3.T
B3 = np.array([1.0, -2.0, 0.5])


@pattern(A3)
def solve_and_determinant(A):
    x = np.linalg.solve(A, B3)
    return x @ x + np.log(np.linalg.det(A)) + np.linalg.cond(A, "fro")


@pattern(A3)
def gram_schmidt(A):
    Q = np.zeros_like(A)
    R = np.zeros((3, 3))
    for j in range(3):
        v = A[:, j].copy()
        for i in range(j):
            R[i, j] = Q[:, i] @ A[:, j]
            v -= R[i, j] * Q[:, i]
        R[j, j] = np.linalg.norm(v)
        Q[:, j] = v / R[j, j]
    return np.sum(R) + Q[2, 0]


@pattern(SPD)
def cholesky_by_loops(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = sum(L[i, k] * L[j, k] for k in range(j))
            if i == j:
                L[i, j] = np.sqrt(A[i, i] - s)
            else:
                L[i, j] = (A[i, j] - s) / L[j, j]
    return 2 * np.log(np.diag(L)).sum() + L[2, 0]


@pattern(A3[::-1].copy())
def gauss_elimination_with_pivoting(A):
    M = np.hstack([A.astype(float), B3.reshape(-1, 1)])
    n = 3
    for k in range(n):
        p = k + np.argmax(np.abs(M[k:, k]))
        if p != k:
            M[[k, p]] = M[[p, k]]
        for i in range(k + 1, n):
            M[i] -= M[k] * (M[i, k] / M[k, k])
    x = np.zeros(n)
    for i in reversed(range(n)):
        x[i] = (M[i, -1] - M[i, i + 1 : n] @ x[i + 1 :]) / M[i, i]
    return np.linalg.norm(x)


@pattern(A3)
def determinant_by_cofactors(A):
    def det(M):
        if len(M) == 1:
            return M[0][0]
        total = 0
        for c in range(len(M)):
            minor = [row[:c] + row[c + 1 :] for row in M[1:]]
            total += (-1) ** c * M[0][c] * det(minor)
        return total

    return det([list(row) for row in A])


@pattern(SPD)
def power_iteration(A):
    v = np.ones(3) / np.sqrt(3)
    for _ in range(200):
        w = A @ v
        w = w / np.linalg.norm(w)
        if np.linalg.norm(w - v) < 1e-15:
            break
        v = w
    return v @ A @ v


@pattern(SPD)
def jacobi_rotations(A):
    A = A.copy()
    for _ in range(6):
        for p in range(2):
            for q in range(p + 1, 3):
                theta = 0.5 * np.arctan2(2 * A[p, q], A[q, q] - A[p, p])
                c, s = np.cos(theta), np.sin(theta)
                J = np.eye(3)
                J[p, p] = J[q, q] = c
                J[p, q], J[q, p] = s, -s
                A = J.T @ A @ J
    return np.max(np.diag(A))


@pattern(A3, tolerance=1e-5, reason="the result of cg is converged to 1e-12 only")
def conjugate_gradients(A):
    # HIPS/autograd issue 556
    M = A.T @ A + np.eye(3)
    x = np.zeros(3)
    r = B3 - M @ x
    p = r.copy()
    count = 0
    while count < 10:
        alpha = np.dot(r, r) / np.dot(p, M @ p)
        x = x + alpha * p
        r_new = r - alpha * M @ p
        if np.linalg.norm(r_new) < 1e-12:
            return x.sum()
        p = r_new + np.dot(r_new, r_new) / np.dot(r, r) * p
        r = r_new
        count += 1
    return x.sum()


@pattern(A3 / 5)
def matrix_exponential_taylor(A):
    E, term = np.eye(3), np.eye(3)
    for k in range(1, 25):
        term = term @ A / k
        E += term
    return np.trace(E)


@pattern(A3 / 5)
def matrix_exponential_of_scipy(A):
    return sla.expm(A).sum()


@pattern(SPD)
def matrix_square_root_by_eigh(A):
    S = (A + A.T) / 2
    w, V = np.linalg.eigh(S)
    root = (V * np.sqrt(w)) @ V.T
    log = V @ np.diag(np.log(w)) @ V.T
    return root[0, 1] + log.trace()


@pattern(A3)
def norms_of_all_kinds(A):
    return (
        np.linalg.norm(A)
        + np.linalg.norm(A, 2)
        + np.linalg.norm(A, "nuc")
        + np.linalg.norm(A, np.inf)
        + np.linalg.norm(A[0], 3)
        + np.linalg.norm(A, axis=1).prod()
    )


@pattern(A3)
def schur_complement_of_blocks(A):
    a, b, c, d = A[:1, :1], A[:1, 1:], A[1:, :1], A[1:, 1:]
    S = d - c @ np.linalg.inv(a) @ b
    sign, logdet = np.linalg.slogdet(S)
    return sign * logdet + np.log(a[0, 0])


@pattern(np.array([[1.0, 0.5], [0.3, 2.0], [0.7, -1.0]]))
def pseudo_inverse_and_projection(A):
    P = A @ np.linalg.pinv(A)
    residual = B3 - P @ B3
    return residual @ residual + np.trace(A.T @ A)


@pattern(np.array([0.2, -0.3, 0.5]))
def skew_matrix_and_cayley(w):
    W = np.array([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])
    Q = np.linalg.solve(np.eye(3) - W, np.eye(3) + W)
    return Q[0, 1] + np.dot(Q @ B3, w)


@pattern(A3)
def kronecker_lyapunov(A):
    n = 3
    K = np.kron(np.eye(n), A) + np.kron(A, np.eye(n))
    X = np.linalg.solve(K, np.eye(n).reshape(-1)).reshape(n, n)
    return np.trace(X) + X[0, 2]


@pattern(A3)
def qr_least_squares(A):
    Q, R = np.linalg.qr(A)
    x = sla.solve_triangular(R, Q.T @ B3)
    return np.abs(np.diag(R)).prod() + x[0]


@pattern(A3)
def lu_solve_of_scipy(A):
    lu, piv = sla.lu_factor(A)
    return sla.lu_solve((lu, piv), B3).sum()


@pattern(np.array([3.0, 1.0, 0.5]))
def toeplitz_and_circulant(c):
    T = sla.toeplitz(c)
    C = sla.circulant(c)
    return np.linalg.det(T) + np.sum(C @ T)


@pattern(np.array([1.0, -3.0, 1.5, 0.2]))
def companion_matrix_roots(coef):
    roots = np.roots(coef)
    return np.abs(roots).max()


@pattern(A3)
def einsum_and_tensor_contractions(A):
    T = np.einsum("ij,jk,k->i", A, A, B3)
    outer = np.einsum("i,j->ij", T, B3)
    return (
        np.einsum("ii", outer) + np.tensordot(A, outer, axes=([0, 1], [1, 0])) + A.ravel() @ A.flat
    )


@pattern(A3)
def multi_dot_and_inner(A):
    M = np.linalg.multi_dot([A, SPD, A.T])
    return np.inner(M[0], B3) + np.vdot(M, A) + np.outer(B3, A[1]).sum() + np.tri(3).dot(A)[2, 2]


@pattern(np.array([[1.0, 2.0 + 0.5j], [0.3j, -0.4]]))
def hermitian_form_of_complex_matrix(A):
    H = A @ A.conj().T
    x = np.array([1.0 + 1j, 0.5])
    return np.real(x.conj() @ H @ x) + np.linalg.norm(A) + np.abs(np.trace(A))


@pattern(A3)
def newton_schulz_inverse(A):
    X = A.T / (np.linalg.norm(A, 1) * np.linalg.norm(A, np.inf))
    for _ in range(30):
        X = X @ (2 * np.eye(3) - A @ X)
    np.testing.assert_allclose(X @ A, np.eye(3), atol=1e-8)
    return X.sum()
