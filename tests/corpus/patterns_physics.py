"""Energies, lattices, waves and quantum mechanics."""

import numpy as np
from scipy.constants import c, hbar
from scipy.special import ellipk, eval_legendre, j0, jv, lpmv

from tests.corpus.registry import pattern

POSITIONS = np.array([[0.0, 0.1, 0.2], [1.2, -0.1, 0.0], [0.3, 1.3, 0.1], [1.1, 1.0, 1.2]])


@pattern(POSITIONS)
def lennard_jones_double_loop(x):
    N = x.shape[0]
    U = 0.0
    for i in range(N - 1):
        for j in range(i + 1, N):
            rij = x[j] - x[i]
            r2 = np.dot(rij, rij)
            if r2 == 0.0:
                continue
            s6 = (1.0 / r2) ** 3
            U += 4 * (s6 * s6 - s6)
    return U


@pattern(POSITIONS * 2.5)
def lennard_jones_periodic_cutoff(x):
    box, rcut, energy = 4.0, 2.0, 0.0
    boxv = np.array([box] * 3) if np.isscalar(box) else np.asarray(box)
    for i in range(len(x)):
        for j in range(i):
            dr = x[i] - x[j]
            dr -= boxv * np.round(dr / boxv)
            r = np.sqrt((dr**2).sum())
            if r > rcut:
                continue
            energy += 4 * (r**-12 - r**-6) - 4 * (rcut**-12 - rcut**-6)
    return energy


@pattern(POSITIONS)
def coulomb_energy_vectorised(x):
    q = np.array([1.0, -1.0, 2.0, -0.5])
    diff = x[:, None, :] - x[None, :, :]
    dist = np.sqrt(np.sum(diff**2, axis=-1))
    iu = np.triu_indices(len(x), k=1)
    return np.sum(q[iu[0]] * q[iu[1]] / dist[iu])


@pattern(POSITIONS)
def gravity_with_softening(x):
    n = len(x)
    acc = np.zeros_like(x)
    mass = np.arange(1.0, n + 1)
    for i in range(n):
        for j in range(n):
            if i != j:
                d = x[j] - x[i]
                acc[i] += mass[j] * d / (np.linalg.norm(d) ** 2 + 0.01) ** 1.5
    return np.sum(acc**2)


@pattern(POSITIONS)
def bonded_force_field(x):
    # bonds, angles and one dihedral
    bonds = [(0, 1), (0, 2), (2, 3)]
    energy = sum(0.5 * 100 * (np.linalg.norm(x[i] - x[j]) - 1.2) ** 2 for i, j in bonds)
    u, v = x[1] - x[0], x[2] - x[0]
    cos_theta = np.dot(u, v) / (np.linalg.norm(u) * np.linalg.norm(v))
    energy += 20 * (np.arccos(cos_theta) - np.deg2rad(100)) ** 2
    b1, b2, b3 = x[0] - x[1], x[2] - x[0], x[3] - x[2]
    n1, n2 = np.cross(b1, b2), np.cross(b2, b3)
    phi = np.arctan2(np.dot(np.cross(n1, n2), b2 / np.linalg.norm(b2)), np.dot(n1, n2))
    return energy + 2 * (1 + np.cos(3 * phi - np.pi / 4))


@pattern(np.linspace(-0.8, 0.9, 16).reshape(4, 4))
def soft_ising_energy(field):
    s = np.tanh(2 * field)
    neighbours = sum(np.roll(s, shift, axis) for shift in (1, -1) for axis in (0, 1))
    return -0.5 * np.sum(s * neighbours) - 0.1 * s.sum()


@pattern(np.linspace(0.1, 3.0, 9).reshape(3, 3) ** 2)
def xy_model_energy(theta):
    L = theta.shape[0]
    E = 0.0
    for i in range(L):
        for j in range(L):
            E -= np.cos(theta[i, j] - theta[(i + 1) % L, j])
            E -= np.cos(theta[i, j] - theta[i, (j + 1) % L])
    return E


@pattern(np.array([0.4, 0.1]))
def ising_transfer_matrix(params):
    J, h = params
    Tm = np.array([[np.exp(J + h), np.exp(-J)], [np.exp(-J), np.exp(J - h)]])
    lam = np.linalg.eigvalsh(Tm)
    return -np.log(np.sum(lam**10)) / 10


@pattern(np.array([0.5, 1.5, 0.8]))
def heat_equation_explicit(params):
    diffusivity, amplitude, width = params
    x = np.linspace(0, 1, 21)
    dx, dt = x[1] - x[0], 1e-3
    u = amplitude * np.exp(-((x - 0.5) ** 2) / (2 * (0.1 * width) ** 2))
    for _ in range(20):
        u[1:-1] = u[1:-1] + diffusivity * dt / dx**2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[-1] = 0
    return np.sum(u**2) * dx


@pattern(np.array([0.9, 0.2]))
def wave_equation_leapfrog(params):
    speed, damping = params
    n = 20
    u = np.zeros((30, n))
    x = np.linspace(0, 1, n)
    u[0] = np.sin(np.pi * x)
    u[1] = u[0]
    for k in range(1, 29):
        for i in range(1, n - 1):
            lap = u[k, i + 1] - 2 * u[k, i] + u[k, i - 1]
            u[k + 1, i] = (2 - damping * 0.1) * u[k, i] - (1 - damping * 0.1) * u[k - 1, i]
            u[k + 1, i] += (0.5 * speed) ** 2 * lap
    return u[-1, n // 2]


@pattern(np.linspace(0.0, 1.0, 6))
def laplace_jacobi_iterations(boundary):
    phi = np.zeros((6, 6))
    phi[0, :] = boundary
    phi[:, -1] = boundary**2
    for _ in range(30):
        new = phi.copy()
        new[1:-1, 1:-1] = 0.25 * (phi[2:, 1:-1] + phi[:-2, 1:-1] + phi[1:-1, 2:] + phi[1:-1, :-2])
        phi = new
    return phi[2, 3] + phi[4, 1] ** 2


@pattern(np.array([0.3, 0.6, -0.2, 0.1]))
def burgers_with_upwind_branches(coef):
    x = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    u = sum(a * np.sin((k + 1) * x + 0.3) for k, a in enumerate(coef))
    dx, dt = x[1], 0.05
    for _ in range(5):
        backward = (u - np.roll(u, 1)) / dx
        forward = (np.roll(u, -1) - u) / dx
        u = u - dt * np.where(u > 0, u * backward, u * forward)
    return np.abs(u).sum()


@pattern(np.array([1.0, 0.3]))
def harmonic_oscillator_eigenvalues(params):
    k, anharmonic = params
    x = np.linspace(-4, 4, 24)
    dx = x[1] - x[0]
    V = np.diag(0.5 * k * x**2 + anharmonic * x**4)
    D2 = np.diag(np.ones(23), 1) + np.diag(np.ones(23), -1) - 2 * np.eye(24)
    H = -0.5 * D2 / dx**2 + V
    E, psi = np.linalg.eigh(H)
    return E[0] + 0.1 * (E[1] - E[0]) + np.sum(x**2 * psi[:, 0] ** 2)


@pattern(np.array([0.8, 0.4, 1.1]))
def spin_half_evolution(pulse):
    sx = np.array([[0, 1], [1, 0]], dtype=complex)
    sy = np.array([[0, -1j], [1j, 0]])
    sz = np.array([[1, 0], [0, -1]], dtype=complex)
    state = np.array([1, 0], dtype=complex)
    for amplitude in pulse:
        H = amplitude * sx + 0.3 * sy + 0.5 * sz
        w, v = np.linalg.eigh(H)
        U = v @ np.diag(np.exp(-1j * w)) @ v.conj().T
        state = U @ state
    return np.abs(state[1]) ** 2


@pattern(np.array([0.3, 1.2, 2.0]))
def quantum_circuit_expectation(theta):
    def ry(t):
        return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])

    cnot = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]])
    psi = np.array([1.0, 0, 0, 0])
    for t in theta:
        psi = cnot @ np.kron(ry(t), ry(2 * t)) @ psi
    ZZ = np.diag([1, -1, -1, 1])
    return np.vdot(psi, ZZ @ psi)


@pattern(np.array([0.7, 2.5]))
def split_step_schroedinger(params):
    k0, barrier = params
    x = np.linspace(-5, 5, 32, endpoint=False)
    k = 2 * np.pi * np.fft.fftfreq(32, d=x[1] - x[0])
    psi = np.exp(-((x + 2) ** 2)) * np.exp(1j * k0 * x)
    psi /= np.sqrt(np.sum(np.abs(psi) ** 2))
    V = barrier * np.exp(-(x**2))
    for _ in range(10):
        psi *= np.exp(-0.5j * V * 0.05)
        psi = np.fft.ifft(np.exp(-0.5j * k**2 * 0.05) * np.fft.fft(psi))
        psi *= np.exp(-0.5j * V * 0.05)
    return np.sum(np.abs(psi[x > 0]) ** 2)


@pattern(np.array([0.2, 0.7, 1.1]))
def black_body_with_constants(x):
    # in units where the exponent is of order one
    scale = hbar * c / (hbar * c)
    return np.sum(x**3 / np.expm1(scale * x)) + (x[0] / x[1]) ** 4


@pattern(0.6, 1.5)
def pendulum_period_exact(theta0):
    return 4 * ellipk(np.sin(theta0 / 2) ** 2) / np.sqrt(9.81)


@pattern(np.array([0.5, 1.4, 2.2]))
def bessel_and_legendre_functions(x):
    multipoles = eval_legendre(2, np.cos(x)) + lpmv(1, 2, np.cos(x))
    return np.sum(j0(x) * jv(2, x)) + multipoles.sum()


@pattern(np.array([0.4, 0.9]))
def spherical_harmonics_by_hand(angles):
    theta, phi = angles
    Y = {
        (0, 0): 0.5 * np.sqrt(1 / np.pi),
        (1, 0): 0.5 * np.sqrt(3 / np.pi) * np.cos(theta),
        (1, 1): -0.5 * np.sqrt(3 / 2 / np.pi) * np.sin(theta) * np.exp(1j * phi),
        (2, 1): -0.5 * np.sqrt(15 / 2 / np.pi) * np.sin(2 * theta) / 2 * np.exp(1j * phi),
    }
    density = abs(sum(l * m * y + y for (l, m), y in Y.items())) ** 2
    return np.real(density)


@pattern(np.array([1.0, 0.5, 0.2, 0.1]))
def lattice_boltzmann_step(rho):
    w = np.array([2 / 3, 1 / 6, 1 / 6])
    v = np.array([0, 1, -1])
    f = w[:, None] * rho[None, :]
    for _ in range(4):
        density = f.sum(axis=0)
        u = (v @ f) / density
        feq = w[:, None] * density * (1 + 3 * v[:, None] * u + 3 * (v[:, None] ** 2 - 1 / 3) * u**2)
        f = f - 0.6 * (f - feq)
        for i in range(3):
            f[i] = np.roll(f[i], v[i])
    return (f * np.arange(12).reshape(3, 4)).sum()
