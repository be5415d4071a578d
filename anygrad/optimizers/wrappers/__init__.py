"""Transforms around a transform, and small parts of chains."""
