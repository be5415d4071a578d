"""Minimisation within bounds: limited-memory BFGS and projected gradients."""
