"""What carries a formula to every leaf of a tree, and makes factories of formulas."""
