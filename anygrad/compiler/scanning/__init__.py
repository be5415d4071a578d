"""``scan``: a loop whose body is recorded once, and its derivatives, which are such loops too."""

from anygrad.compiler.scanning.scans import scan

__all__ = ["scan"]
