"""``scipy.linalg`` of traced arrays, where it differs from ``numpy.linalg``."""

from __future__ import annotations

SHARED: dict = {}
