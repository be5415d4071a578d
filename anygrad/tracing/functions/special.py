"""``scipy.special`` of traced arrays: every function has its name there, ufuncs are rows."""

from __future__ import annotations

SHARED: dict = {}
