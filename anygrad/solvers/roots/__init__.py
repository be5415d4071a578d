"""Zeros of systems of equations, and fixed points."""
