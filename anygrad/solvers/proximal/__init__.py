"""Proximal operators and projections, on arrays and trees, without a read from the device.

An operator is a record with ``value(x)`` and ``prox(x, step)``; ``proximal_gradient`` and ``admm``
take one, or a tree of them that is a prefix of ``x``: ``{"w": l1(0.1), "b": None}``. A projection
is a function ``project(x, ...)``, and `indicator` makes an operator of it.
"""

from __future__ import annotations

from anygrad.solvers.proximal.balls import (
    project_l1_ball,
    project_l2_ball,
    project_linf_ball,
    project_simplex,
)
from anygrad.solvers.proximal.groups import group_l2, l2, nuclear
from anygrad.solvers.proximal.indicators import indicator, nonnegative
from anygrad.solvers.proximal.norms import elastic_net, l1, squared_l2
from anygrad.solvers.proximal.operator import Proximal, by_path
from anygrad.solvers.proximal.projections import (
    project_affine,
    project_box,
    project_halfspace,
    project_hyperplane,
    project_nonnegative,
)
from anygrad.solvers.proximal.variation import total_variation, total_variation_2d

__all__ = [
    "Proximal",
    "by_path",
    "elastic_net",
    "group_l2",
    "indicator",
    "l1",
    "l2",
    "nonnegative",
    "nuclear",
    "project_affine",
    "project_box",
    "project_halfspace",
    "project_hyperplane",
    "project_l1_ball",
    "project_l2_ball",
    "project_linf_ball",
    "project_nonnegative",
    "project_simplex",
    "squared_l2",
    "total_variation",
    "total_variation_2d",
]
