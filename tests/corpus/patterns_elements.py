"""Finite elements, structures, networks of resistors, sparse matrices."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

from tests.corpus.registry import pattern

NODES = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.2]])
BARS = [(0, 1), (1, 3), (2, 3), (0, 3), (1, 2)]


def bar_stiffness(xi, xj, EA):
    L = np.linalg.norm(xj - xi)
    c, s = (xj - xi) / L
    T = np.array([[c * c, c * s], [c * s, s * s]])
    return EA / L * np.block([[T, -T], [-T, T]])


@pattern(np.array([1.0, 0.8, 1.3, 0.6, 0.9]))
def truss_with_ix(areas):
    K = np.zeros((8, 8))
    for (i, j), A in zip(BARS, areas, strict=True):
        d = [2 * i, 2 * i + 1, 2 * j, 2 * j + 1]
        K[np.ix_(d, d)] += bar_stiffness(NODES[i], NODES[j], 10.0 * A)
    free = np.array([2, 3, 6, 7])
    F = np.zeros(8)
    F[7] = -1.0
    u = np.zeros(8)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], F[free])
    return F @ u


@pattern(NODES)
def truss_shape_sensitivity(nodes):
    K = np.zeros((8, 8))
    weight = 0.0
    for i, j in BARS:
        ke = bar_stiffness(nodes[i], nodes[j], 10.0)
        dofs = [2 * i, 2 * i + 1, 2 * j, 2 * j + 1]
        for a in range(4):
            for b in range(4):
                K[dofs[a], dofs[b]] += ke[a, b]
        weight += np.linalg.norm(nodes[j] - nodes[i])
    fixed = [0, 1, 4, 5]
    free = np.setdiff1d(np.arange(8), fixed)
    u = np.linalg.solve(K[free][:, free], np.array([0.0, 0.0, 0.3, -1.0]))
    return u @ u + 0.1 * weight


@pattern(np.array([1.0, 2.0, 1.5, 0.7]))
def poisson_rod(conductivity):
    n = len(conductivity)
    h = 1.0 / n
    K = np.zeros((n + 1, n + 1))
    f = np.zeros(n + 1)
    for e, k in enumerate(conductivity):
        K[e : e + 2, e : e + 2] += k / h * np.array([[1, -1], [-1, 1]])
        f[e : e + 2] += h / 2
    K[0, :] = 0
    K[0, 0] = 1
    f[0] = 0
    u = np.linalg.solve(K, f)
    return u[-1]


@pattern(np.array([1.0, 0.8, 0.6]))
def beam_tip_deflection(heights):
    n, L = 3, 1.0 / 3
    K = np.zeros((2 * n + 2, 2 * n + 2))
    for e in range(n):
        EI = heights[e] ** 3 / 12
        ke = (EI / L**3) * np.array(
            [
                [12, 6 * L, -12, 6 * L],
                [6 * L, 4 * L**2, -6 * L, 2 * L**2],
                [-12, -6 * L, 12, -6 * L],
                [6 * L, 2 * L**2, -6 * L, 4 * L**2],
            ]
        )
        K[2 * e : 2 * e + 4, 2 * e : 2 * e + 4] += ke
    F = np.zeros(2 * n)
    F[-2] = 1.0
    return np.linalg.solve(K[2:, 2:], F)[-2]


@pattern(np.array([[0.0, 0.0], [1.0, 0.1], [1.1, 1.0], [-0.1, 0.9], [0.5, 0.45]]))
def triangle_mesh_energy(points):
    triangles = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    u = np.array([0.0, 1.0, 2.0, 0.5, 0.8])
    energy = 0.0
    for tri in triangles:
        P = points[tri]
        B = np.vstack((P[1] - P[0], P[2] - P[0])).T
        area = 0.5 * abs(np.linalg.det(B))
        G = np.array([[-1, 1, 0], [-1, 0, 1]])
        gradient = np.linalg.inv(B).T @ G @ u[tri]
        energy += 0.5 * area * gradient.dot(gradient)
    return energy


@pattern(np.array([[0.0, 0.0], [2.0, 0.2], [2.2, 1.9], [-0.1, 2.0]]))
def isoparametric_quadrilateral_area(xy):
    gp = 1 / np.sqrt(3)
    total = 0
    for xi in (-gp, gp):
        for eta in (-gp, gp):
            dN = 0.25 * np.array(
                [
                    [-(1 - eta), 1 - eta, 1 + eta, -(1 + eta)],
                    [-(1 - xi), -(1 + xi), 1 + xi, 1 - xi],
                ]
            )
            J = dN @ xy
            total += np.linalg.det(J) * (1 + J[0, 0] * xi)
    return total


@pattern(np.array([0.4, 0.8, 0.6, 0.9]))
def simp_compliance_with_einsum(rho):
    E = 1e-3 + rho**3 * (1 - 1e-3)
    edof = np.array([[0, 1], [1, 2], [2, 3], [3, 4]])
    ke = np.array([[1.0, -1.0], [-1.0, 1.0]])
    K = np.zeros((5, 5))
    np.add.at(K, (edof[:, :, None], edof[:, None, :]), E[:, None, None] * ke)
    u = np.zeros(5)
    u[1:] = np.linalg.solve(K[1:, 1:], np.ones(4))
    ue = u[edof]
    return np.sum(E * np.einsum("ei,ij,ej->e", ue, ke, ue))


LAPLACIAN = sp.diags([-np.ones(4), 2 * np.ones(5), -np.ones(4)], [-1, 0, 1], format="csr")


@pattern(np.array([0.2, 0.5, 0.1, -0.4, 0.9]))
def sparse_matrix_times_vector(u):
    r = LAPLACIAN @ u - 0.1 * np.exp(u)
    return r.dot(r) + u.T @ LAPLACIAN.dot(u)


@pattern(np.array([0.2, 0.5, 0.1, -0.4, 0.9]))
def sparse_solve_with_fixed_matrix(f):
    u = spsolve(LAPLACIAN.tocsc(), f**2)
    return np.sum(u**2)


@pattern(np.array([1.0, 2.0, 0.5]))
def sparse_matrix_from_parameters(k):
    rows = np.array([0, 0, 1, 1, 2])
    cols = np.array([0, 1, 0, 1, 2])
    data = np.array([k[0], -k[1], -k[1], k[0] + k[1], k[2]])
    A = sp.csr_matrix((data, (rows, cols)), shape=(3, 3))
    return (A @ np.array([1.0, 2.0, 3.0])).sum()


@pattern(np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
def resistor_network(R):
    edges = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)]
    B = np.zeros((5, 4))
    for k, (a, b) in enumerate(edges):
        B[k, a], B[k, b] = 1, -1
    G = B.T @ np.diag(1 / R) @ B
    current = np.array([1.0, 0.0, 0.0, -1.0])
    v = np.linalg.pinv(G) @ current
    return v[0] - v[3]


@pattern(np.array([1.0, 0.5, 0.8]))
def natural_frequencies_generalised(k):
    M = np.diag([2.0, 1.0, 1.5])
    K = np.array(
        [[k[0] + k[1], -k[1], 0], [-k[1], k[1] + k[2], -k[2]], [0, -k[2], k[2]]], dtype=float
    )
    w2 = np.linalg.eigvals(np.linalg.inv(M) @ K)
    return np.sum(np.sqrt(np.sort(w2.real)))


@pattern(np.array([0.1, 0.3, -0.2]))
def hanging_chain_energy(angles):
    x, y = [0.0], [0.0]
    for a in angles:
        x.append(x[-1] + np.cos(a))
        y.append(y[-1] + np.sin(a))
    gravity = sum(0.5 * (y[k] + y[k + 1]) for k in range(len(y) - 1))
    return gravity + 10 * ((x[-1] - 2.5) ** 2 + y[-1] ** 2)


@pattern(np.array([0.05, 0.02, -0.01, 0.03]))
def hyperelastic_deformation_gradient(H):
    F = np.eye(2) + H.reshape(2, 2)
    J = np.linalg.det(F)
    C = F.T @ F
    return 0.5 * (np.trace(C) - 2) - np.log(J) + 2.0 * np.log(J) ** 2


@pattern(np.array([30.0, -10.0, 0.0, 15.0, 5.0, -8.0]))
def von_mises_and_principal_stress(voigt):
    sxx, syy, szz, syz, sxz, sxy = voigt
    S = np.array([[sxx, sxy, sxz], [sxy, syy, syz], [sxz, syz, szz]])
    dev = S - np.eye(3) * S.trace() / 3
    mises = np.sqrt(1.5 * np.tensordot(dev, dev))
    principal = np.linalg.eigvalsh(S)
    return mises + principal[-1] - principal[0]
