"""Steppers for differential equations, most of them given the right-hand side as an argument."""

import math
from functools import partial

import numpy as np
from scipy.integrate import odeint, solve_ivp

from tests.corpus.registry import pattern


def euler(f, y, t0, t1, n):
    h = (t1 - t0) / n
    for k in range(n):
        y = y + h * f(t0 + k * h, y)
    return y


def rk4_step(f, t, y, h, *args):
    k1 = f(t, y, *args)
    k2 = f(t + h / 2, y + h / 2 * k1, *args)
    k3 = f(t + h / 2, y + h / 2 * k2, *args)
    k4 = f(t + h, y + h * k3, *args)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


@pattern(np.array([1.2, 0.3]))
def euler_with_closure(params):
    growth, capacity = params
    return euler(lambda t, y: growth * y * (1 - y / (1 + capacity)) + 0.1 * t, 0.1, 0.0, 2.0, 20)


def lotka_volterra(t, z, a, b, c, d):
    x, y = z
    return np.array([a * x - b * x * y, -c * y + d * x * y])


@pattern(np.array([1.1, 0.4, 0.4, 0.1]))
def lotka_volterra_rk4(params):
    z = np.array([1.0, 0.5])
    trajectory = np.zeros((21, 2))
    trajectory[0] = z
    for k in range(20):
        trajectory[k + 1] = rk4_step(lotka_volterra, 0.0, trajectory[k], 0.1, *params)
    return np.sum((trajectory[:, 0] - 1) ** 2)


@pattern(np.array([10.0, 28.0, 2.6]))
def lorenz_with_list_state(params):
    sigma, rho, beta = params
    state = [1.0, 1.0, 1.0]
    dt = 0.01
    for _ in range(20):
        x, y, z = state
        dx = sigma * (y - x)
        dy = x * (rho - z) - y
        dz = x * y - beta * z
        state = [x + dt * dx, y + dt * dy, z + dt * dz]
    return state[0] + state[2]


@pattern(np.array([0.5, 0.2, 0.01]))
def sir_epidemic(params):
    beta, gamma, i0 = params
    S, I, R = [1 - i0], [i0], [0.0]
    for day in range(25):
        new_infections = beta * S[day] * I[day]
        recovered = gamma * I[day]
        S.append(S[day] - new_infections)
        I.append(I[day] + new_infections - recovered)
        R.append(R[day] + recovered)
    return max(I) + R[-1]


@pattern(np.array([1.5, 0.0]))
def pendulum_symplectic(y0):
    theta, omega = y0
    dt = 0.05
    energies = []
    for _ in range(40):
        omega = omega - dt * 9.81 * math.sin(theta)
        theta = theta + dt * omega
        energies.append(0.5 * omega**2 + 9.81 * (1 - math.cos(theta)))
    return np.std(energies) + theta


@pattern(np.array([[1.0, 0.0], [0.0, 1.1]]))
def orbit_velocity_verlet(state):
    def acceleration(r):
        return -r / np.linalg.norm(r) ** 3

    r, v = state[0].copy(), state[1].copy()
    a = acceleration(r)
    for _ in range(30):
        r += v * 0.05 + 0.5 * a * 0.05**2
        a_new = acceleration(r)
        v += 0.5 * (a + a_new) * 0.05
        a = a_new
    return np.cross(np.append(r, 0), np.append(v, 0))[2] + r[0]


@pattern(np.array([0.8, 1.5]))
def van_der_pol_partial(params):
    def rhs(t, y, mu):
        return np.array([y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]])

    f = partial(rhs, mu=params[0])
    y = np.array([params[1], 0.0])
    t, h = 0.0, 0.1
    while t < 2.0 - 1e-9:
        y = rk4_step(f, t, y, h)
        t += h
    return y @ y


@pattern(np.array([50.0, 1.0]))
def implicit_euler_with_newton(params):
    stiffness, y = params[0], params[1]
    h = 0.1
    for n in range(5):
        t = (n + 1) * h
        guess = y
        for _ in range(50):
            residual = guess - y + h * stiffness * (guess**3 - np.cos(t))
            if abs(residual) < 1e-13:
                break
            guess = guess - residual / (1 + 3 * h * stiffness * guess**2)
        y = guess
    return y**2


@pattern(np.array([1.0, 0.4]))
def crank_nicolson_diffusion(params):
    kappa, amplitude = params
    n = 10
    r = kappa * 0.01 / (2 * 0.1**2)
    A = np.eye(n) * (1 + 2 * r)
    B = np.eye(n) * (1 - 2 * r)
    for i in range(n - 1):
        A[i, i + 1] = A[i + 1, i] = -r
        B[i, i + 1] = B[i + 1, i] = r
    u = amplitude * np.sin(np.pi * np.arange(1, n + 1) / (n + 1))
    for _ in range(8):
        u = np.linalg.solve(A, B @ u)
    return np.sum(u)


def thomas(a, b, c, d):
    n = len(d)
    cp, dp, x = np.zeros(n), np.zeros(n), np.zeros(n)
    cp[0], dp[0] = c[0] / b[0], d[0] / b[0]
    for i in range(1, n):
        m = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / m
        dp[i] = (d[i] - a[i] * dp[i - 1]) / m
    x[-1] = dp[-1]
    for i in range(n - 2, -1, -1):
        x[i] = dp[i] - cp[i] * x[i + 1]
    return x


@pattern(np.array([2.0, 2.3, 1.9, 2.6, 2.2]))
def tridiagonal_thomas_algorithm(diagonal):
    n = len(diagonal)
    x = thomas(-np.ones(n), diagonal + 1, -0.5 * np.ones(n), np.arange(1.0, n + 1))
    return np.sum(x**2)


@pattern(np.array([0.4, 2.0]))
def adaptive_step_heun(params):
    rate, y = params
    t, h, rejected = 0.0, 0.1, 0
    while t < 1.0:
        h = min(h, 1.0 - t)
        f0 = -rate * y * y + np.sin(t)
        f1 = -rate * (y + h * f0) ** 2 + np.sin(t + h)
        error = abs(float(h * (f1 - f0) / 2))
        if error > 0.05:
            h /= 2
            rejected += 1
            continue
        y = y + h * (f0 + f1) / 2
        t += h
        if error < 1e-3:
            h *= 2
    return y


@pattern(np.array([0.5, 9.0]))
def shooting_method_residual(params):
    drag, v0 = params
    x, vx, y, vy = 0.0, v0 * np.cos(0.8), 1.0, v0 * np.sin(0.8)
    dt = 0.01
    while y > 0:
        speed = np.sqrt(vx**2 + vy**2)
        vx = vx - drag * 0.1 * speed * vx * dt
        vy = vy - (9.81 + drag * 0.1 * speed * vy) * dt
        x_old, y_old = x, y
        x = x + vx * dt
        y = y + vy * dt
    fraction = y_old / (y_old - y)
    return x_old + fraction * (x - x_old)


@pattern(np.array([0.2, 0.7, -0.1]))
def reaction_diffusion_gray_scott(p):
    n = 8
    U = np.ones((n, n))
    V = np.zeros((n, n))
    V[3:5, 3:5] = p[1]

    def laplacian(Z):
        return Z[:-2, 1:-1] + Z[1:-1, :-2] + Z[1:-1, 2:] + Z[2:, 1:-1] - 4 * Z[1:-1, 1:-1]

    for _ in range(6):
        Lu, Lv = laplacian(U), laplacian(V)
        uvv = U[1:-1, 1:-1] * V[1:-1, 1:-1] ** 2
        U[1:-1, 1:-1] += 0.16 * Lu - uvv + p[0] * (1 - U[1:-1, 1:-1])
        V[1:-1, 1:-1] += 0.08 * Lv + uvv - (0.06 + p[2] * 0.1) * V[1:-1, 1:-1]
    return V.mean() + U.min()


@pattern(np.array([0.3, 0.2]))
def adams_bashforth_with_history(params):
    f = lambda t, y: -params[0] * y + params[1] * math.cos(t)
    h, y = 0.1, 1.0
    history = [f(0.0, y)]
    y = y + h * history[0]
    for n in range(1, 20):
        history.append(f(n * h, y))
        y = y + h * (1.5 * history[-1] - 0.5 * history[-2])
    return y


@pattern(np.array([0.3, 1.2]))
def odeint_of_scipy(params):
    # HIPS/autograd issue 362
    t = np.linspace(0, 2, 5)
    sol = odeint(lambda y, t: [y[1], -params[1] * y[0] - params[0] * y[1]], [1.0, 0.0], t)
    return np.sum(sol[:, 0] ** 2)


@pattern(0.4, tolerance=1e-4, reason="the adaptive stepper is a function with steps of 1e-10")
def solve_ivp_of_scipy(rate):
    sol = solve_ivp(lambda t, y: -rate * y, (0, 1), [1.0], rtol=1e-10, atol=1e-12)
    return sol.y[0, -1]


@pattern(np.array([0.3, 0.5]))
def delay_equation_with_buffer(params):
    gain, decay = params
    buffer = [0.5] * 5
    x = 0.5
    for _ in range(20):
        delayed = buffer.pop(0)
        x = x + 0.1 * (gain * delayed / (1 + delayed**2) - decay * x)
        buffer.append(x)
    return x + sum(buffer)
