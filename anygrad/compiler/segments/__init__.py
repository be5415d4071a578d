"""Arrays that are made of segments: the parts of stencils computed where they belong."""

from anygrad.compiler.segments.emitting import join_segments
from anygrad.compiler.segments.joins import Join

__all__ = ["Join", "join_segments"]
