"""The clips of ``anygrad.clipping`` as parts of a chain."""
