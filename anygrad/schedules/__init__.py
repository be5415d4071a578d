"""Schedules: values that follow the step count, for a learning rate or any other hyperparameter.

A schedule is a function ``step -> value`` with ``step`` counted from 0. It keeps no state, so a
training run that is resumed at a step continues exactly where it was. Any function of one integer
will do; those made here check their arguments, print as what they are, give a finite Python float
at every step, and compose: ``a * b``, ``a + b``, ``a.then(b, after=100)``, `join`, `warmup`.

`plateau` follows a metric rather than the step, and so is a pair of functions with a state.
"""

from anygrad.schedules.base import Schedule, join
from anygrad.schedules.cycles import cosine_restarts, cyclic
from anygrad.schedules.decays import constant, exponential, inverse_time, step
from anygrad.schedules.falls import cosine, linear, polynomial, rex
from anygrad.schedules.one_cycles import one_cycle, one_cycle_momentum
from anygrad.schedules.pictures import plot
from anygrad.schedules.pieces import interpolated, multi_step, piecewise
from anygrad.schedules.plateaus import Plateau, plateau
from anygrad.schedules.warm import inverse_sqrt, warmup, warmup_cosine, warmup_stable_decay

__all__ = [
    "Plateau",
    "Schedule",
    "constant",
    "cosine",
    "cosine_restarts",
    "cyclic",
    "exponential",
    "interpolated",
    "inverse_sqrt",
    "inverse_time",
    "join",
    "linear",
    "multi_step",
    "one_cycle",
    "one_cycle_momentum",
    "piecewise",
    "plateau",
    "plot",
    "polynomial",
    "rex",
    "step",
    "warmup",
    "warmup_cosine",
    "warmup_stable_decay",
]
