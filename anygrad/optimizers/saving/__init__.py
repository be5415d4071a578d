"""States of optimizers: to files and back, restored by name, imported from peers."""
