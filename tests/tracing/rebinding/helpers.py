"""A module of the user's, beside the file that is run: its functions are reached by rebinding."""

import math

import numpy as np

SCALE = 2.0
calls = []


def area(x):
    calls.append(1)
    return SCALE * float(x[0]) * math.exp(x[1])


def fill(x):
    z = np.zeros(x.shape)
    for i in range(len(x)):
        z[i] = inner(x[i])
    return z


def inner(t):
    return math.sin(t) * SCALE


class Model:
    """Methods, properties, class methods and operators of the user's."""

    size = 2.0

    def __init__(self, x):
        self.points = np.array([x[0], x[1] * self.size])

    @property
    def matrix(self):
        return np.array([[1.0, self.points[0]], [self.points[1], 2.0]])

    @classmethod
    def of_square(cls, x):
        return cls(np.array([x[0] ** 2, x[1]]))

    @staticmethod
    def norm(v):
        return math.sqrt(v[0] ** 2 + v[1] ** 2)

    def __call__(self, v):
        return self.norm(self.matrix.dot(v))


class Derived(Model):
    def __init__(self, x):
        super().__init__(x)
        self.extra = float(x[2])

    def value(self):
        return self(np.ones(2)) * self.extra
