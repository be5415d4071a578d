"""How many problems with known minima the solvers solve, and in how many evaluations."""
