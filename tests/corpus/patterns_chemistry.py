"""Kinetics, equilibria, equations of state, small quantum chemistry."""

import math

import numpy as np
from scipy.constants import R as GAS
from scipy.optimize import fsolve
from scipy.special import gammainc

from tests.corpus.registry import pattern


@pattern({"A": 1e3, "Ea": 25e3})
def arrhenius_fit(params):
    temperatures = [300.0, 320.0, 340.0, 360.0]
    rates = [0.04, 0.08, 0.14, 0.24]
    error = 0.0
    for T, k in zip(temperatures, rates, strict=True):
        error += (math.log(params["A"] * math.exp(-params["Ea"] / (GAS * T))) - math.log(k)) ** 2
    return error


@pattern(np.array([2.0, 0.5, 0.3]))
def michaelis_menten_with_inhibition(params):
    vmax, km, ki = params
    s = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
    v = np.array([0.3, 0.6, 1.0, 1.1, 0.6])
    return np.sum((vmax * s / (km + s + s**2 / ki / 10) - v) ** 2)


@pattern(np.array([1.5, 0.8]))
def hill_equation_dose_response(params):
    n, k = params
    dose = np.logspace(-2, 2, 9)
    return np.trapezoid(dose**n / (k**n + dose**n), np.log10(dose))


@pattern(np.array([300.0, 2.0]))
def van_der_waals_volume_by_newton(state):
    T, P = state
    a, b, Rl = 3.59, 0.0427, 0.08206
    V = Rl * T / P
    for n in range(60):
        f = (P + a / V**2) * (V - b) - Rl * T
        df = P - a / V**2 + 2 * a * b / V**3
        Vn = V - f / df
        if abs(Vn - V) < 1e-14:
            print("Found solution after", n, "iterations.")
            return Vn
        V = Vn
    return V


@pattern(np.array([310.0, 10.0]))
def peng_robinson_fugacity(state):
    T, P = state
    Tc, Pc, omega = 425.2, 38.0, 0.199
    kappa = 0.37464 + 1.54226 * omega - 0.26992 * omega * omega
    A = 0.45724 * (P / Pc) * (Tc / T) ** 2 * (1 + kappa * (1 - (T / Tc) ** 0.5)) ** 2
    B = 0.07780 * (Tc / T) * (P / Pc)
    Z = np.roots([1, -1 + B, A - 3 * B * B - 2 * B, -A * B + B * B + B**3])
    z = max(Z[np.isreal(Z)].real)
    r2 = np.sqrt(2)
    return (
        z - 1 - np.log(z - B) - A / (2 * r2 * B) * np.log((z + (1 + r2) * B) / (z + (1 - r2) * B))
    )


def cubic_root_by_cardano(a2, a1, a0):
    q = (3 * a1 - a2**2) / 9
    r = (9 * a2 * a1 - 27 * a0 - 2 * a2**3) / 54
    disc = q**3 + r**2
    if disc > 0:
        s, t = np.cbrt(r + np.sqrt(disc)), np.cbrt(r - np.sqrt(disc))
        return s + t - a2 / 3
    theta = np.arccos(r / np.sqrt(-(q**3)))
    return 2 * np.sqrt(-q) * np.cos(theta / 3) - a2 / 3


@pattern(np.array([-2.0, 1.0, -0.3]), np.array([-11.0, 31.0, -21.0]))
def largest_root_of_cubic(c):
    return cubic_root_by_cardano(*c)


@pattern(np.array([0.1, 0.02]))
def ph_of_weak_acid_by_bisection(conc):
    acid, base = conc
    Ka, Kw = 1.8e-5, 1e-14
    charge = lambda h: h + base - Kw / h - acid * Ka / (Ka + h)
    lo, hi = 1e-12, 1.0
    while hi - lo > 1e-3 * lo:
        mid = np.sqrt(lo * hi)
        if charge(mid) > 0:
            hi = mid
        else:
            lo = mid
    h = np.sqrt(lo * hi)
    for _ in range(6):  # polish with Newton: the bisection alone has no derivative
        slope = 1 + Kw / h**2 + acid * Ka / (Ka + h) ** 2
        h = h - charge(h) / slope
    return -np.log10(h)


@pattern(np.array([0.1, 0.3, 0.05]))
def debye_hueckel_activity(conc):
    charges = [1, -1, 2]
    ionic = 0.5 * sum(c * z**2 for c, z in zip(conc, charges, strict=True))
    log_gamma = [-0.509 * z**2 * math.sqrt(ionic) / (1 + math.sqrt(ionic)) for z in charges]
    return np.dot(conc, 10 ** np.array(log_gamma))


@pattern(np.array([1.0, 0.2, 0.5]))
def kinetics_network_with_stoichiometry(k):
    S = np.array([[-1, 0, 1], [1, -1, 0], [0, 1, -1]])
    c = np.array([1.0, 0.0, 0.0])
    for _ in range(30):
        rates = np.array([k[0] * c[0], k[1] * c[1] ** 2, k[2] * c[2]])
        c = c + 0.05 * S @ rates
        assert abs(c.sum() - 1) < 1e-9, f"mass is lost: {c.sum():.3e}"
    return c[1] - c[2] ** 2


@pattern(np.array([0.4, 0.6]))
def flash_by_rachford_rice(z):
    z = z / z.sum()
    K = np.array([2.5, 0.4])
    V = 0.5
    for _ in range(40):
        f = np.sum(z * (K - 1) / (1 + V * (K - 1)))
        df = -np.sum(z * (K - 1) ** 2 / (1 + V * (K - 1)) ** 2)
        V -= f / df
    return V


@pattern(np.array([0.3, 0.7]))
def gibbs_energy_of_mixing(x):
    x = np.clip(x / np.sum(x), 1e-10, 1)
    A12, A21 = 1.2, 0.8
    x1, x2 = x
    ln_g1 = A12 * (A21 * x2 / (A12 * x1 + A21 * x2)) ** 2
    ln_g2 = A21 * (A12 * x1 / (A12 * x1 + A21 * x2)) ** 2
    return (x * np.log(x)).sum() + x1 * ln_g1 + x2 * ln_g2


@pattern(np.array([0.5, 0.2]))
def equilibrium_by_fsolve(params):
    sol = fsolve(lambda x: x**2 / (params[0] - x) - params[1], 0.1, xtol=1e-12)
    return sol[0]


@pattern(350.0)
def antoine_and_heat_capacity(T):
    A, B, C = 8.07131, 1730.63, 233.426
    p = 10 ** (A - B / (C + T - 273.15))
    shomate = np.polyval([0.1, -0.3, 2.0, 30.0], T / 1000)
    enthalpy = np.polynomial.polynomial.polyval(T / 1000, [0.0, 30.0, 1.0, -0.1])
    return math.log(p) + shomate / 10 + enthalpy / 100


@pattern(np.array([1.4]))
def hydrogen_molecule_lcao(R):
    # one exponent, overlap and core integrals of two 1s Gaussians
    alpha = 0.4166
    r = R[0]
    S12 = np.exp(-alpha * r**2 / 2)
    T11 = 1.5 * alpha
    T12 = alpha * S12 * (1.5 - alpha * r**2 / 2)
    boys = lambda t: 0.5 * np.sqrt(np.pi / t) * gammainc(0.5, t)
    V11 = -2 * np.sqrt(2 * alpha / np.pi) * (1 + boys(2 * alpha * r**2))
    V12 = -2 * np.sqrt(2 * alpha / np.pi) * S12 * 2 * boys(alpha * r**2 / 2)
    H = np.array([[T11 + V11, T12 + V12], [T12 + V12, T11 + V11]])
    S = np.array([[1.0, S12], [S12, 1.0]])
    X = np.linalg.inv(np.linalg.cholesky(S))
    e = np.linalg.eigvalsh(X @ H @ X.T)
    return 2 * e[0] + 1 / r


@pattern(np.array([-1.0, -0.8, -1.2, -0.9]))
def hueckel_orbitals(beta):
    n = len(beta)
    H = np.zeros((n + 1, n + 1))
    for i, b in enumerate(beta):
        H[i, i + 1] = H[i + 1, i] = b
    energies, orbitals = np.linalg.eigh(H)
    occupied = orbitals[:, :2]
    density = 2 * occupied @ occupied.T
    return 2 * energies[:2].sum() + density[0, 1]


@pattern(np.array([0.6, 0.3]))
def self_consistent_field_loop(params):
    U, t = params
    P = np.diag([1.2, 0.8])
    energy_old = 0.0
    for _ in range(200):
        F = np.array([[0.0, -t], [-t, 0.5]]) + U * np.diag(np.diag(P)) / 2
        _, C = np.linalg.eigh(F)
        P_new = 2 * np.outer(C[:, 0], C[:, 0])
        energy = np.sum(P_new * F)
        converged = np.abs(P_new - P).max() < 1e-14
        P = 0.5 * P + 0.5 * P_new
        energy_old = energy
        if converged:
            break
    return energy_old


@pattern(np.array([0.9, 4.4, 2.2]))
def morse_and_partition_function(params):
    a, D, w = params
    r = np.linspace(0.5, 4, 30)
    V = D * (1 - np.exp(-a * (r - 1.2))) ** 2
    levels = w * (np.arange(4) + 0.5) - (w * (np.arange(4) + 0.5)) ** 2 / (4 * D * 10)
    Z = np.sum(np.exp(-levels))
    return np.log(Z) + np.average(V, weights=np.exp(-V))


@pattern(np.array([1.2, 0.4]))
def titration_with_select(params):
    ka, v = params
    volume = np.array([0.5, 1.0, 1.5])
    regions = [volume < 1.0, volume == 1.0, volume > 1.0]
    values = [ka + np.log(volume * v), ka * np.ones(3) / 2, v * np.log(volume + ka)]
    return np.select(regions, values, default=0.0).sum()
