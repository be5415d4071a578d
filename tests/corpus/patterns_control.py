"""Control, estimation, planning and identification."""

import numpy as np
from scipy.linalg import expm, solve_continuous_are, solve_discrete_lyapunov

from tests.corpus.registry import pattern

A = np.array([[1.0, 0.1], [-0.05, 0.95]])
B = np.array([[0.0], [0.1]])


class PID:
    def __init__(self, kp, ki, kd, dt):
        self.kp, self.ki, self.kd, self.dt = kp, ki, kd, dt
        self.integral = 0.0
        self.previous = None

    def update(self, error):
        self.integral += error * self.dt
        if self.previous is None:
            derivative = 0.0
        else:
            derivative = (error - self.previous) / self.dt
        self.previous = error
        u = self.kp * error + self.ki * self.integral + self.kd * derivative
        return np.clip(u, -5.0, 5.0)


@pattern(np.array([2.0, 0.5, 0.1]))
def pid_step_response(gains):
    controller = PID(*gains, dt=0.1)
    x, v, cost = 0.0, 0.0, 0.0
    for _ in range(40):
        u = controller.update(1.0 - x)
        v += 0.1 * (u - 0.5 * v)
        x += 0.1 * v
        cost += 0.1 * (1.0 - x) ** 2
    return cost


@pattern(np.array([1.0, 0.5, 0.3]))
def lqr_by_riccati_recursion(q):
    Q, R = np.diag(q[:2]), np.array([[q[2]]])
    P = Q
    for _ in range(30):
        K = np.linalg.solve(R + B.T @ P @ B, B.T @ P @ A)
        P = Q + A.T @ P @ (A - B @ K)
    x0 = np.array([1.0, 0.0])
    return x0 @ P @ x0


@pattern(np.array([0.5, 0.8]))
def closed_loop_cost_of_a_gain(gain):
    K = gain.reshape(1, 2)
    x, cost = np.array([1.0, -0.5]), 0.0
    for _ in range(30):
        u = -K @ x
        cost += x @ x + 0.1 * u @ u
        x = A @ x + B @ u
    return cost


@pattern(np.array([0.5, 0.8]))
def spectral_radius_of_closed_loop(gain):
    closed = A - B @ gain[None, :]
    return np.max(np.abs(np.linalg.eigvals(closed)))


@pattern(np.linspace(-0.5, 0.5, 8))
def direct_shooting_cost(controls):
    state = np.array([0.0, 0.0])
    effort = 0.0
    for u in controls:
        state = np.array(
            [state[0] + 0.2 * state[1], state[1] + 0.2 * (np.tanh(u) - np.sin(state[0]))]
        )
        effort += u**2
    goal = np.array([0.5, 0.0])
    return 10 * np.sum((state - goal) ** 2) + 0.01 * effort


@pattern(np.linspace(0.1, 1.0, 10).reshape(5, 2) ** 2)
def trajectory_with_obstacles(path):
    smoothness = np.sum(np.diff(path, axis=0) ** 2)
    centre, radius, penalty = np.array([0.3, 0.35]), 0.4, 0.0
    for p in path:
        distance = np.sqrt(np.sum((p - centre) ** 2))
        if distance < radius:
            penalty += (radius - distance) ** 2
    return smoothness + 10 * penalty


@pattern(np.array([0.5, 1.2, 0.1]))
def discretisation_by_expm(params):
    k, m, c = params
    Ac = np.array([[0.0, 1.0], [-k / m, -c / m]])
    Ad = expm(Ac * 0.5)
    return np.trace(Ad) + Ad[1, 0]


@pattern(np.array([0.6, 0.4]))
def lyapunov_of_scipy(p):
    M = np.array([[p[0], 0.2], [-0.1, p[1]]])
    return solve_discrete_lyapunov(M, np.eye(2)).sum()


@pattern(np.array([1.0, 0.5]))
def riccati_of_scipy(q):
    P = solve_continuous_are(A - np.eye(2), B * 10, np.diag(q), np.eye(1))
    return np.trace(P)


@pattern(np.array([0.9, 0.3, 0.05]))
def extended_kalman_filter(theta):
    x, P = np.array([0.5, theta[0]]), np.eye(2) * 0.1
    Q, R = np.eye(2) * theta[2], theta[1]
    nll = 0.0
    for k in range(8):
        z = np.sin(0.3 * k) + 0.5
        F = np.array([[1.0, 0.1], [-0.1 * np.cos(x[0]), 1.0]])
        x = np.array([x[0] + 0.1 * x[1], x[1] - 0.1 * np.sin(x[0])])
        P = F @ P @ F.T + Q
        H = np.array([2 * x[0], 0.0])
        S = H @ P @ H + R
        K = P @ H / S
        innovation = z - x[0] ** 2
        x = x + K * innovation
        P = P - np.outer(K, H) @ P
        nll += 0.5 * (innovation**2 / S + np.log(S))
    return nll


@pattern(np.array([0.9, 0.3]))
def unscented_transform(m):
    P = np.array([[0.5, 0.1], [0.1, 0.3]])
    L = np.linalg.cholesky(2.5 * P)
    sigma = [m] + [m + L[:, i] for i in range(2)] + [m - L[:, i] for i in range(2)]
    w = np.full(5, 1 / 5)
    y = np.array([[np.hypot(s[0], s[1]), np.arctan2(s[1], s[0])] for s in sigma])
    mean = w @ y
    return mean[0] + ((y - mean) ** 2).sum(axis=0) @ np.array([1.0, 2.0])


@pattern(np.array([0.8, -0.2, 0.4]))
def recursive_least_squares(theta_init):
    theta = theta_init.copy()
    P = np.eye(3)
    for k in range(6):
        phi = np.array([1.0, np.sin(k), np.cos(2 * k)])
        gain = P @ phi / (0.95 + phi @ P @ phi)
        theta += gain * (np.sin(1.3 * k) - phi @ theta)
        P = (P - np.outer(gain, phi @ P)) / 0.95
    return theta @ theta


@pattern(np.array([0.3, 0.1, 0.9]))
def cart_pole_energy_swing(params):
    gain, theta, omega = params
    for _ in range(25):
        E = 0.5 * omega**2 + 9.81 * (np.cos(theta) - 1)
        u = gain * omega * E if abs(theta) > 0.2 else -20 * theta - 2 * omega
        u = max(min(u, 3.0), -3.0)
        omega = omega + 0.02 * (9.81 * np.sin(theta) + u * np.cos(theta))
        theta = theta + 0.02 * omega
    return theta**2 + 0.1 * omega


@pattern(np.array([0.7, 0.2, 0.5, 0.9]))
def policy_gradient_surrogate(theta):
    logits = theta.reshape(2, 2)
    actions, states, returns = [0, 1, 1], [0, 1, 0], [1.0, -0.5, 2.0]
    objective = 0.0
    for s, a, g in zip(states, actions, returns, strict=True):
        probs = np.exp(logits[s]) / np.sum(np.exp(logits[s]))
        ratio = probs[a] / 0.5
        objective += min(ratio * g, np.clip(ratio, 0.8, 1.2) * g)
    return objective


@pattern(np.array([0.5, 0.2, 1.5]))
def pose_graph_residuals(x):
    # three poses on a line with an angle each, stored in one vector
    def wrap(a):
        return np.arctan2(np.sin(a), np.cos(a))

    measurements = {(0, 1): 0.4, (1, 2): 1.1, (0, 2): 4.0}
    return sum(wrap(x[j] - x[i] - z) ** 2 for (i, j), z in measurements.items())
