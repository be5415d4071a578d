"""Many small problems of one form solved together, each with steps of its own."""
