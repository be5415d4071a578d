"""``numpy.fft`` and ``xp.fft`` of traced arrays: every function has its name there."""

from __future__ import annotations

SHARED: dict = {}
