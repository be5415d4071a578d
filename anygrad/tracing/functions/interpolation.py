"""Interpolation, integrals, slopes and polynomials of sampled values."""

from __future__ import annotations
