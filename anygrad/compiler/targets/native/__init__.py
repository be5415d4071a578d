"""Kernels for NumPy arrays: groups of operations as machine code of this processor."""
