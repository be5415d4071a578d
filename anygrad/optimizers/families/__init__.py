"""The optimizers themselves: one formula and one factory each, a family a file."""
