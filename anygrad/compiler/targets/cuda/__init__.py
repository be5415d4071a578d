"""Kernels for CuPy's arrays: groups of a program as CUDA C++, and the code that launches them."""
