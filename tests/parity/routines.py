"""One call, or a few, for every public routine: what must give the same on every array library.

A call takes the namespace of the arrays and a bundle of inputs made of them, and gives a tree of
arrays. Inputs are positive and away from kinks, so that no library's choice at a tie shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import anygrad as ag
from anygrad.optimizers import OPTIMIZERS
from tests.optimizers.table import ROWS as OPTIMIZER_ROWS

REAL = ("float64", "float32")
BOTH = (*REAL, "complex128", "complex64")
_X = np.asarray([[0.5, 1.25, 0.8], [1.5, 0.3, 2.0]])
_V = np.asarray([[0.75, -0.5, 1.0], [0.25, 1.5, -1.25]])
_B = np.asarray([0.4, -0.7, 1.1])


class Inputs(NamedTuple):
    """The arrays that a routine is called with."""

    x: Any
    v: Any
    tree: dict[str, Any]
    grads: dict[str, Any]


def make_inputs(make: Callable[[np.ndarray], Any], dtype: str) -> Inputs:
    """The inputs in one dtype; ``make`` turns a NumPy array into one of the library."""

    def cast(a):
        a = a + 1j * a[..., ::-1] if dtype.startswith("complex") else a
        return make(np.ascontiguousarray(a).astype(dtype))

    return Inputs(
        cast(_X), cast(_V), {"w": cast(_X), "b": cast(_B)}, {"w": cast(_V), "b": cast(_B * _B)}
    )


@dataclass(frozen=True)
class Routine:
    """One call of a public routine.

    Attributes
    ----------
    name : str
        The public name, with what is special about this call behind it.
    call : callable
        ``call(xp, inputs)``: a tree of arrays and numbers.
    dtypes : tuple of str
        What it takes.
    reads : str
        Why it may read values on the host; "" where it must not.
    condition : float
        How much it enlarges rounding errors of the functions that it calls.
    device_kept : bool
        Whether results are arrays like the inputs (else: host arrays or numbers).
    covers : tuple of str
        The public names that it shows; without it, its own name.
    """

    name: str
    call: Callable[[Any, Inputs], Any]
    dtypes: tuple[str, ...] = BOTH
    reads: str = ""
    condition: float = 1.0
    device_kept: bool = True
    covers: tuple[str, ...] = ()

    @property
    def public(self) -> tuple[str, ...]:
        """The public names that the call shows."""
        return self.covers or (self.name,)

    def __str__(self) -> str:
        return self.name


def loss(x):
    """A real function of an array, with products, powers and a matrix product."""
    xp = ag.namespace(x)
    y = xp.matmul(x, xp.matrix_transpose(x)) if len(x.shape) == 2 else x
    return xp.sum(xp.real(y * xp.conj(y))) / 8.0 + xp.sum(xp.abs(x) ** 3)


def tree_loss(tree):
    """A real function of the tree."""
    return loss(tree["w"]) + loss(tree["b"])


def _vector(x):
    xp = ag.namespace(x)
    return xp.exp(x * 0.5) * xp.sum(x)


def _vjp(xp, a):
    value, pullback = ag.vjp(_vector, a.x)
    return {"value": value, "pulled": pullback(a.v)}


def _with_constant(xp, a):
    return ag.grad(lambda x: loss(ag.namespace(x).multiply(x, ag.value(a.v))))(a.x)


def _gradient(x):
    """A polynomial: no library rounds it otherwise than in the last place."""
    return ag.namespace(x).sum(x * x * x) / 4.0


def _two_steps(make, donate=False, **keywords):
    def call(xp, a):
        optimizer = make()
        params, state = a.tree, optimizer.init(a.tree)
        if donate:  # the routine's own arrays, which it may write into
            params = ag.trees.map(lambda p: p * 1.0, params)
            state = ag.trees.map(lambda s: s * 1 if hasattr(s, "device") else s, state)
        for _ in range(2):
            params, state = optimizer.step(params, a.grads, state, donate=donate, **keywords)
        return {"params": params, "state": without_host_entries(state)}

    return call


def without_host_entries(state):
    """The arrays of a state; step counts and learning rates are NumPy's by design."""
    if not isinstance(state, dict):
        return state
    host = ("step", "learning_rate")
    return {k: without_host_entries(v) for k, v in state.items() if k not in host}


def _update(make):
    def call(xp, a):
        optimizer = make()
        updates, _ = optimizer.update(a.grads, optimizer.init(a.tree), a.tree)
        return {"updates": updates, "params": ag.optimizers.apply_updates(a.tree, updates)}

    return call


def _chain():
    parts = ag.optimizers
    return parts.chain(
        parts.clip_by_global_norm(0.5),
        parts.add_weight_decay(0.01),
        parts.scale(0.5),
        parts.scale_by_learning_rate(0.1),
    )


def _info(xp, a):
    optimizer = _chain()
    _, state = optimizer.step(a.tree, a.grads, optimizer.init(a.tree))
    found = ag.optimizers.info(state)
    return {"norm": found.norm, "scale": found.scale}


def _momentum_formula(xp, g, b, *, learning_rate):
    b = 0.9 * b - learning_rate * g
    return b, b


def _fit(xp, a):
    result = ag.fit(
        lambda p, batch: loss(p["w"]) + loss(p["b"] * batch),
        a.tree,
        [a.tree["b"], a.grads["b"]],
        ag.optimizers.adam(0.01),
        progress=False,
    )
    return result.params


def _monitored_norms(xp, a):
    report = ag.training.gradient_report(a.grads, a.tree)
    return [np.asarray(report.ok)]


def _schedules():
    s = ag.schedules
    return {
        "constant": s.constant(0.1),
        "cosine": s.cosine(0.1, 10),
        "exponential": s.exponential(0.1, 0.9),
        "step": s.step(0.1, 0.5, 2),
        "warmup_cosine": s.warmup_cosine(0.1, 2, 10),
    }


def _clips():
    return ag.optimizers.chain(
        ag.optimizers.clip_by_norm(0.5), ag.optimizers.clip_by_value(0.3), ag.optimizers.sgd(0.1)
    )


def _calls_of(row):
    """Steps, steps in place and updates of one optimizer."""
    covers = (f"optimizers.{row.name}",)
    yield Routine(f"optimizers.{row}: step", _two_steps(row.make), covers=covers)
    donated = _two_steps(row.make, donate=True)
    yield Routine(f"optimizers.{row}: step, donated", donated, covers=covers)
    covers += ("optimizers.apply_updates",)
    yield Routine(f"optimizers.{row}: update", _update(row.make), dtypes=REAL, covers=covers)


ROUTINES: list[Routine] = [
    # Transformations
    Routine("grad", lambda xp, a: ag.grad(loss)(a.x)),
    Routine("grad of a tree", lambda xp, a: ag.grad(tree_loss)(a.tree), covers=("grad",)),
    Routine("grad beside a constant", _with_constant, covers=("grad", "value")),
    Routine("value_and_grad", lambda xp, a: ag.value_and_grad(loss)(a.x)),
    Routine("vjp", _vjp),
    Routine("jvp", lambda xp, a: ag.jvp(_vector, (a.x,), (a.v,))),
    Routine(
        "jvp of grad",
        lambda xp, a: ag.jvp(ag.grad(loss), (a.x,), (a.v,)),
        dtypes=REAL,
        covers=("jvp", "grad"),
    ),
    Routine("stop_gradient", lambda xp, a: ag.grad(lambda x: loss(x * ag.stop_gradient(x)))(a.x)),
    Routine("value", lambda xp, a: ag.value(a.tree)),
    # New arrays
    Routine("asarray", lambda xp, a: ag.asarray(a.x) if _configured(xp) else a.x),
    Routine("namespace", lambda xp, a: ag.namespace(a.x, a.v).multiply(a.x, a.v)),
    Routine(
        "to_numpy",
        lambda xp, a: ag.to_numpy(a.tree),
        reads="it is the explicit way to the host",
        device_kept=False,
    ),
    # Numerical derivatives: an error of one rounding is divided by a step of 6e-6 (5e-3)
    Routine(
        "differences.derivative",
        lambda xp, a: ag.differences.derivative(lambda x: x * x * x, a.x),
        dtypes=REAL,
        condition=1e5,
    ),
    Routine(
        "differences.gradient",
        lambda xp, a: ag.differences.gradient(_gradient, a.x),
        dtypes=REAL,
        condition=1e5,
    ),
    Routine(
        "check_gradients",
        lambda xp, a: [np.asarray(ag.check_gradients(_gradient, a.x).ok)],
        dtypes=REAL,
        reads="its report is about numbers on the host",
        device_kept=False,
    ),
    # Clipping
    Routine("clipping.global_norm", lambda xp, a: ag.clipping.global_norm(a.grads)),
    Routine(
        "clipping.clip_by_global_norm", lambda xp, a: ag.clipping.clip_by_global_norm(a.grads, 0.5)
    ),
    *(
        Routine(
            f"clipping.clip_by_global_norm, nonfinite={policy}",
            lambda xp, a, policy=policy: ag.clipping.clip_by_global_norm(
                a.grads, 0.5, nonfinite=policy
            ),
            reads="documented: it raises where a value is not finite" if policy == "raise" else "",
            covers=("clipping.clip_by_global_norm",),
        )
        for policy in ("zero", "skip", "raise")
    ),
    Routine("clipping.clip_by_norm", lambda xp, a: ag.clipping.clip_by_norm(a.grads, 0.5)),
    Routine(
        "clipping.clip_by_value", lambda xp, a: ag.clipping.clip_by_value(a.grads, 0.5), dtypes=REAL
    ),
    # Trees
    Routine("trees.dot", lambda xp, a: ag.trees.dot(a.tree, a.grads)),
    Routine("trees.norm", lambda xp, a: ag.trees.norm(a.tree)),
    Routine("trees.norms", lambda xp, a: ag.trees.norms(a.tree)),
    Routine("trees.squared_norms", lambda xp, a: ag.trees.squared_norms(a.tree)),
    Routine("trees.zeros_like", lambda xp, a: ag.trees.zeros_like(a.tree)),
    Routine("trees.map", lambda xp, a: ag.trees.map(lambda x, y: x * y, a.tree, a.grads)),
    Routine("trees.leaves", lambda xp, a: ag.trees.leaves(a.tree)),
    Routine(
        "trees.flatten, unflatten",
        lambda xp, a: ag.trees.unflatten(ag.trees.flatten(a.tree)[1], ag.trees.leaves(a.grads)),
        covers=("trees.flatten", "trees.unflatten"),
    ),
    Routine(
        "trees.flatten_up_to",
        lambda xp, a: ag.trees.flatten_up_to(ag.trees.flatten(a.tree)[1], a.grads),
    ),
    Routine(
        "trees.to_numpy",
        lambda xp, a: ag.trees.to_numpy(a.tree),
        reads="it is the explicit way to the host",
        device_kept=False,
    ),
    Routine(
        "trees.to_flat, from_flat",
        lambda xp, a: ag.trees.from_flat(ag.trees.to_flat(a.tree), a.grads),
        reads="the flat form is for files, on the host",
        covers=("trees.to_flat", "trees.from_flat"),
    ),
    # Training
    Routine("fit", _fit, dtypes=REAL, reads="the history holds the losses as numbers"),
    Routine(
        "training.batches",
        lambda xp, a: list(ag.training.batches({"x": a.x, "v": a.v}, 1, epochs=1, rng=0)),
    ),
    Routine(
        "training.gradient_report",
        _monitored_norms,
        reads="its report is about numbers on the host",
        device_kept=False,
    ),
    # Optimizers
    *(call for row in OPTIMIZER_ROWS for call in _calls_of(row)),
    *(
        Routine(
            f"optimizers.{name}, compat={peer!r}",
            _two_steps(
                lambda name=name, peer=peer: OPTIMIZERS[name](learning_rate=0.1, compat=peer)
            ),
            dtypes=REAL,
            covers=(f"optimizers.{name}",),
        )
        for name in OPTIMIZERS
        for peer in ("torch", "optax")
    ),
    *(
        Routine(
            f"schedules.{name} in a step",
            _two_steps(lambda name=name: ag.optimizers.sgd(_schedules()[name])),
            dtypes=REAL,
            covers=(f"schedules.{name}",),
        )
        for name in _schedules()
    ),
    Routine(
        "optimizers.chain of parts",
        _two_steps(_chain),
        covers=(
            *("optimizers.chain", "optimizers.clip_by_global_norm", "optimizers.scale"),
            *("optimizers.add_weight_decay", "optimizers.scale_by_learning_rate"),
        ),
    ),
    Routine(
        "optimizers.chain of clips",
        _two_steps(_clips),
        dtypes=REAL,
        covers=("optimizers.chain", "optimizers.clip_by_norm", "optimizers.clip_by_value"),
    ),
    Routine("optimizers.info", _info),
    Routine(
        "optimizers.from_formula",
        _two_steps(
            lambda: ag.optimizers.from_formula(_momentum_formula, slots=["b"], learning_rate=0.1)
        ),
    ),
    Routine(
        "optimizers with groups",
        _two_steps(lambda: ag.optimizers.adamw(0.1, groups=[("b", {"weight_decay": 0.0})])),
        dtypes=REAL,
        covers=("optimizers.adamw",),
    ),
]


def _configured(xp) -> bool:
    """Whether the arrays are those of the configured backend, which alone `asarray` takes."""
    return getattr(xp, "__name__", "") == ag.namespace().__name__


# Public names without a call of their own in the table, and why.
EXEMPT = {
    "configure": "settings; no array in it",
    "settings": "settings; no array in it",
    "use_backend": "settings; the tests of backends",
    "use_settings": "settings; no array in it",
    "errors": "exceptions",
    "plots": "pictures of host numbers",
    "clipping": "a module",
    "differences": "a module",
    "optimizers": "a module",
    "schedules": "a module",
    "training": "a module",
    "trees": "a module",
    "schedules.Schedule": "a type",
    "optimizers.OPTIMIZERS": "the table that this one goes through",
    "optimizers.Info": "a type",
    "optimizers.Transform": "a type",
    "trees.Path": "a type",
    "trees.check_same_structure": "shapes only",
    "trees.paths": "structure only",
    "trees.register": "structure only",
    "trees.show_path": "words only",
    **{
        f"training.{name}": "host values: callbacks, records and histories of a run"
        for name in (
            *("STOP", "Batches", "Callback", "EarlyStopping", "Finding", "Fit", "GradientHealth"),
            *("History", "Monitor", "Record", "Stop", "early_stopping", "every", "fit"),
        )
    },
}
