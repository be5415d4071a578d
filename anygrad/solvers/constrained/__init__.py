"""Minimisation under constraints: an augmented Lagrangian over any of the other methods."""
