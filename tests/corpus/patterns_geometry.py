"""Geometry, rotations, robots, cameras, curves."""

import math

import numpy as np

from tests.corpus.registry import pattern

POINTS = np.array([[0.1, 0.2, 1.0], [1.1, 0.3, 1.5], [0.9, 1.2, 0.8], [0.2, 1.0, 1.7]])


def rotation_x(a):
    R = np.eye(3)
    R[1, 1] = np.cos(a)
    R[1, 2] = -np.sin(a)
    R[2, 1] = np.sin(a)
    R[2, 2] = np.cos(a)
    return R


def rotation_z(a):
    c, s = math.cos(a), math.sin(a)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@pattern(np.array([0.3, -0.5, 0.9]))
def euler_angles_alignment(angles):
    R = rotation_z(angles[0]).dot(rotation_x(angles[1])).dot(rotation_z(angles[2]))
    moved = POINTS @ R.T
    return np.sum((moved - np.roll(POINTS, 1, axis=0)) ** 2)


@pattern(np.array([0.3, -0.5, 0.9]), np.array([1e-3, 2e-3, -1e-3]))
def rodrigues_formula(rvec):
    theta = np.linalg.norm(rvec)
    if theta < 1e-12:
        return np.sum(POINTS)
    kx, ky, kz = rvec / theta
    K = np.array([[0, -kz, ky], [kz, 0, -kx], [-ky, kx, 0]])
    R = np.eye(3) + np.sin(theta) * K + (1 - np.cos(theta)) * (K @ K)
    return (R @ POINTS[0])[2] + np.trace(R)


def quaternion_multiply(q, r):
    w0, x0, y0, z0 = q
    w1, x1, y1, z1 = r
    return np.array(
        [
            w0 * w1 - x0 * x1 - y0 * y1 - z0 * z1,
            w0 * x1 + x0 * w1 + y0 * z1 - z0 * y1,
            w0 * y1 - x0 * z1 + y0 * w1 + z0 * x1,
            w0 * z1 + x0 * y1 - y0 * x1 + z0 * w1,
        ]
    )


@pattern(np.array([0.9, 0.1, -0.3, 0.2]))
def quaternion_rotation(q):
    q = q / np.linalg.norm(q)
    conjugate = q * np.array([1, -1, -1, -1])
    rotated = [quaternion_multiply(quaternion_multiply(q, np.r_[0, p]), conjugate) for p in POINTS]
    return np.array(rotated)[:, 3].sum()


@pattern(np.array([0.9, 0.1, -0.3, 0.2]))
def quaternion_integration(q):
    omega = np.array([0.0, 0.3, -0.2, 0.5])
    for _ in range(10):
        q = q + 0.05 * quaternion_multiply(q, omega)
        q /= np.sqrt(np.sum(q**2))
    return 2 * math.acos(abs(q[0]))


def dh_matrix(a, alpha, d, theta):
    ca, sa = np.cos(alpha), np.sin(alpha)
    ct, st = np.cos(theta), np.sin(theta)
    return np.array(
        [
            [ct, -st * ca, st * sa, a * ct],
            [st, ct * ca, -ct * sa, a * st],
            [0, sa, ca, d],
            [0, 0, 0, 1],
        ]
    )


@pattern(np.array([0.2, -0.6, 0.9]))
def robot_arm_dh_kinematics(joints):
    table = [(0.5, np.pi / 2, 0.3), (0.4, 0.0, 0.0), (0.2, -np.pi / 2, 0.1)]
    T = np.eye(4)
    for q, (a, alpha, d) in zip(joints, table, strict=True):
        T = T @ dh_matrix(a, alpha, d, q)
    target = np.array([0.6, 0.2, 0.1])
    return np.linalg.norm(T[:3, 3] - target)


@pattern(np.array([0.4, 0.7, -0.3]))
def manipulability_of_planar_arm(q):
    links = [1.0, 0.8, 0.5]
    J = np.zeros((2, 3))
    for j in range(3):
        for k in range(j, 3):
            total = np.sum(q[: k + 1])
            J[0, j] -= links[k] * np.sin(total)
            J[1, j] += links[k] * np.cos(total)
    return np.sqrt(np.linalg.det(J @ J.T))


@pattern(np.array([0.5, 0.5]))
def inverse_kinematics_two_links(target):
    x, y = target
    D = (x**2 + y**2 - 1.0 - 0.64) / (2 * 0.8)
    if abs(D) > 1:
        raise ValueError("out of reach")
    q2 = np.arctan2(np.sqrt(1 - D**2), D)
    q1 = np.arctan2(y, x) - np.arctan2(0.8 * np.sin(q2), 1 + 0.8 * np.cos(q2))
    return q1**2 + q2


@pattern(np.array([500.0, 480.0, 0.1, 0.05]))
def camera_reprojection_error(params):
    fx, fy, k1, tx = params
    K = np.array([[fx, 0, 320], [0, fy, 240], [0, 0, 1.0]])
    error = 0.0
    for p in POINTS:
        x, y = (p[0] + tx) / p[2], p[1] / p[2]
        r2 = x * x + y * y
        distorted = np.array([x * (1 + k1 * r2), y * (1 + k1 * r2), 1.0])
        u, v, _ = K @ distorted
        error += (u - 600) ** 2 + (v - 500) ** 2
    return np.sqrt(error / len(POINTS))


@pattern(np.array([[0.0, 0.0], [2.0, 0.1], [2.2, 1.5], [0.9, 2.0], [-0.2, 1.1]]))
def polygon_area_and_centroid(xy):
    x, y = xy.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = 0.5 * np.abs(np.sum(cross))
    cx = np.sum((x + np.roll(x, -1)) * cross) / (6 * area)
    perimeter = sum(np.linalg.norm(xy[i] - xy[i - 1]) for i in range(len(xy)))
    return area / perimeter**2 + cx


@pattern(POINTS)
def tetrahedron_volume_and_normals(p):
    a, b, c = p[1] - p[0], p[2] - p[0], p[3] - p[0]
    volume = abs(np.dot(a, np.cross(b, c))) / 6
    normal = np.cross(a, b)
    normal /= np.linalg.norm(normal)
    return volume + normal[2] + np.linalg.det(np.stack([a, b, c]))


@pattern(np.array([0.1, 0.2, -3.0, 0.05, -0.02]))
def ray_sphere_intersection(ray):
    origin, direction = ray[:3], np.array([ray[3], ray[4], 1.0])
    direction = direction / np.linalg.norm(direction)
    b = 2 * np.dot(direction, origin)
    c = np.dot(origin, origin) - 1.0
    disc = b**2 - 4 * c
    if disc < 0:
        return 0.0 * ray[0]
    t = (-b - np.sqrt(disc)) / 2
    hit = origin + t * direction
    light = np.array([0.3, 0.5, -1.0])
    return max(np.dot(hit, light / np.linalg.norm(light)), 0.0)


class Surface:
    def __init__(self, curvature, distance, index):
        self.curvature, self.distance, self.index = curvature, distance, index

    def refract(self, y, angle, n):
        incidence = angle + math.asin(y * self.curvature)
        refracted = math.asin(n / self.index * math.sin(incidence))
        angle = refracted - math.asin(y * self.curvature)
        return y + self.distance * math.tan(angle), angle, self.index


@pattern(np.array([0.02, -0.015, 0.01]))
def ray_trace_through_lens_surfaces(curvatures):
    surfaces = [Surface(c, 5.0, n) for c, n in zip(curvatures, [1.5, 1.6, 1.0], strict=True)]
    spot = 0.0
    for y in (2.0, 4.0, 6.0):
        angle, n = 0.0, 1.0
        for surface in surfaces:
            y, angle, n = surface.refract(y, angle, n)
        spot += (y + 100 * angle) ** 2
    return spot


@pattern(np.array([[0.0, 0.0], [0.3, 1.0], [1.2, 0.8], [1.5, -0.2]]))
def bezier_by_de_casteljau(control):
    def point(t):
        p = control
        while len(p) > 1:
            p = (1 - t) * p[:-1] + t * p[1:]
        return p[0]

    samples = np.array([point(t) for t in np.linspace(0, 1, 11)])
    return np.sum(np.sqrt(np.sum(np.diff(samples, axis=0) ** 2, axis=1)))


@pattern(np.array([0.2, 1.0, 0.4, -0.3, 0.8]))
def b_spline_by_recursion(coef):
    knots = [0, 0, 0, 1, 2, 3, 3, 3]

    def basis(i, k, t):
        if k == 0:
            return 1.0 if knots[i] <= t < knots[i + 1] else 0.0
        left = right = 0.0
        if knots[i + k] != knots[i]:
            left = (t - knots[i]) / (knots[i + k] - knots[i]) * basis(i, k - 1, t)
        if knots[i + k + 1] != knots[i + 1]:
            span = knots[i + k + 1] - knots[i + 1]
            right = (knots[i + k + 1] - t) / span * basis(i + 1, k - 1, t)
        return left + right

    curve = [sum(coef[i] * basis(i, 2, t) for i in range(5)) for t in (0.4, 1.3, 2.6)]
    return curve[0] * curve[1] + curve[2] ** 2


@pattern(np.array([0.8, 0.1]), np.array([-0.4, 2.0]))
def great_circle_distance(latlon):
    lat1, lon1 = latlon
    lat2, lon2 = np.radians([48.85, 2.35])
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 6371.0 * 2 * np.arcsin(np.sqrt(a))


@pattern(np.array([0.6, 0.1]))
def mercator_and_spherical_coordinates(latlon):
    lat, lon = latlon
    y = np.log(np.tan(np.pi / 4 + lat / 2))
    xyz = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    r, polar, azimuth = np.linalg.norm(xyz), np.arccos(xyz[2]), np.arctan2(xyz[1], xyz[0])
    return y * r + polar * azimuth


@pattern(POINTS + 0.1 * POINTS[::-1] ** 2)
def kabsch_superposition(P):
    Pc, Qc = P - P.mean(axis=0), POINTS - POINTS.mean(axis=0)
    U, _, Vt = np.linalg.svd(Pc.T @ Qc)
    d = np.sign(np.linalg.det(Vt.T @ U.T))
    R = Vt.T @ np.diag([1, 1, d]) @ U.T
    return np.sqrt(np.mean(np.sum((Pc @ R.T - Qc) ** 2, axis=1)))


@pattern(np.array([0.3, 0.6, 1.5]))
def signed_distance_scene(p):
    sphere = np.linalg.norm(p - np.array([0.0, 0.0, 0.5])) - 0.7
    q = np.abs(p) - np.array([0.4, 0.3, 0.6])
    box = np.linalg.norm(np.maximum(q, 0)) + min(max(q[0], max(q[1], q[2])), 0)
    k = 0.5
    h = np.clip(0.5 + 0.5 * (box - sphere) / k, 0, 1)
    return box * (1 - h) + sphere * h - k * h * (1 - h)


@pattern(np.array([1.0, 0.5, 0.2, 0.9, 1.3]))
def convex_hull_like_turning(y):
    # total turning angle of a polyline
    x = np.arange(len(y), dtype=float)
    v = np.diff(np.column_stack((x, y)), axis=0)
    headings = np.arctan2(v[:, 1], v[:, 0])
    turns = (np.diff(headings) + np.pi) % (2 * np.pi) - np.pi
    return np.sum(turns**2)
