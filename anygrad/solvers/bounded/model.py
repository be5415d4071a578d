"""The Hessian of the quadratic model, as a multiple of one and a small matrix between few rows."""

from __future__ import annotations

import numpy as np

from anygrad.backends.types import Array
from anygrad.solvers.descents.lbfgs import Pairs


class Model(Pairs):
    """B = theta I - R^T N R, the direct form of L-BFGS; R are the rows of s and y in their slots.

    Attributes
    ----------
    theta : float
        y y / s y of the newest step.
    ss : array, shape (memory, memory)
        Products of all s, on the host.
    lower : array, shape (memory, memory)
        Products of s with the y of the same step and of earlier ones; 0 for later ones.
    inverse : array, shape (2 k, 2 k)
        Of N, for the k slots in use: [[-D, L^T / theta], [L / theta, S S^T / theta]] for rows of y
        before those of s. It is the matrix of equation 3.4, for theta S written out as S.

    References
    ----------
    Byrd, Lu, Nocedal, Zhu (1995), A limited memory algorithm for bound constrained optimization,
    eq. 3.2 to 3.4.
    """

    def forget(self) -> None:
        """Start anew; the array is kept."""
        super().forget()
        self.theta = 1.0
        self.ss = np.zeros((self.memory, self.memory))
        self.lower = np.zeros((self.memory, self.memory))
        self.inverse = np.zeros((0, 0))
        self.scale = np.zeros(0)

    def store(
        self, s: Array, y: Array, ss: float, sy: float, yy: float, products: np.ndarray
    ) -> None:
        """Store a pair; ``products`` are those of the rows in use with the new s."""
        if self.count < self.memory:
            self.count += 1
        slot = self.slot = (self.slot + 1) % self.memory
        others = products.shape[0] // 2
        self.ss[slot, :others] = self.ss[:others, slot] = products[::2]
        self.ss[slot, slot] = ss
        self.lower[:, slot] = 0.0
        self.lower[slot, :others] = products[1::2]
        self.lower[slot, slot] = sy
        self.theta = yy / sy
        self._write(2 * slot, s)
        self._write(2 * slot + 1, y)
        self._assemble()

    def _assemble(self) -> None:
        k, theta = self.count, self.theta
        inverse = np.zeros((2 * k, 2 * k))
        diagonal = np.diag(self.lower)[:k]
        below = self.lower[:k, :k] / theta
        below[np.arange(k), np.arange(k)] = 0.0
        inverse[::2, ::2] = self.ss[:k, :k] / theta
        inverse[::2, 1::2] = below
        inverse[1::2, ::2] = below.T
        inverse[1::2, 1::2] = -np.diag(diagonal)
        self.inverse = inverse
        # s and y differ by the scale of the Hessian; with a diagonal of ones that does no harm
        self.scale = 1.0 / np.sqrt(np.abs(np.diag(inverse)))

    def kept(self) -> Array:
        """The rows in use; off the host all of them, for some libraries compile for each shape."""
        assert self.rows is not None
        return self.used() if self.space.is_on_host else self.rows

    def middle(self) -> np.ndarray:
        """N itself, with zeros for the rows of `kept` that are not in use.

        Raises
        ------
        LinAlgError
            If its inverse is singular.
        """
        scale = self.scale
        middle = scale[:, None] * np.linalg.inv(scale[:, None] * self.inverse * scale) * scale
        unused = 0 if self.space.is_on_host else 2 * (self.memory - self.count)
        return np.pad(middle, (0, unused)) if unused else middle

    def reduced(self, gram: np.ndarray, product: np.ndarray) -> np.ndarray:
        """Solve (N^-1 - G / theta) v = q, with G = R_F R_F^T and q = R_F r over free variables.

        Then r / theta + R_F^T v / theta^2 solves B_FF d = r: the formula of Sherman, Morrison and
        Woodbury, eq. 5.11.
        """
        scale, used = self.scale, 2 * self.count
        matrix = scale[:, None] * (self.inverse - gram[:used, :used] / self.theta) * scale
        found = np.zeros(product.shape)
        found[:used] = scale * np.linalg.solve(matrix, scale * product[:used])
        return found
