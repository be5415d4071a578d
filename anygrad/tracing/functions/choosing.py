"""Elements chosen by conditions and indices, and functions applied along axes."""

from __future__ import annotations
