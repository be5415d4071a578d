"""What a solver works on: one real vector, a counted objective, places of it, and why it ended."""
