"""One call, or a few, for every public routine: what must give the same on every array library.

A call takes the namespace of the arrays and a bundle of inputs made of them, and gives a tree of
arrays. Inputs are positive and away from kinks, so that no library's choice at a tie shows.
"""

from __future__ import annotations

import numpy as np

import anygrad as ag
from anygrad.backends import backend_of, device_of
from tests.parity.clipping import CLIPPING
from tests.parity.optimizing import OPTIMIZING
from tests.parity.solving import SOLVING
from tests.parity.table import REAL, Routine
from tests.parity.transforming import TRANSFORMED
from tests.parity.wrapping import WRAPPING


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
    """A polynomial that every library rounds alike: its terms are added in one order."""
    y = x * x * x
    return sum(y[i, j] for i in range(2) for j in range(3)) / 4.0


def _row(x):
    """A polynomial of three elements, each of whose terms every library rounds alike."""
    return x[0] * x[0] * x[1] + x[1] * x[2] * x[2]


def _field(x):
    xp = ag.namespace(x)
    return {"a": x * x * x, "b": xp.stack([x[0] * x[1], x[2] * x[2]])}


def _told(estimate):
    """What an estimate says that rounding does not decide."""
    flags = [getattr(estimate.flags, name) for name in ("kink", "singular", "one_sided", "noisy")]
    return [estimate.value, estimate.step, flags]


def _new(xp, a):
    """An array of the library, one of the host, numbers, and what code without arrays makes."""
    with ag.use_backend(backend_of(a.x).name, device=device_of(a.x)):
        return [ag.asarray(a.x), ag.asarray(np.ones(3)), ag.asarray([1.0, 2.0])]


def _gradient_asked_for_nans(xp, a):
    with ag.debug_nans():
        return ag.grad(loss)(a.x)


def _fit_watched(xp, a):
    seen = []
    result = ag.fit(
        tree_loss_of_batch,
        a.tree,
        [a.tree["b"], a.grads["b"]],
        ag.optimizers.adam(0.01),
        monitor=True,
        progress=False,
        callbacks=[
            ag.training.every(2, lambda record: seen.append(record.params)),
            ag.training.early_stopping("loss", patience=5),
        ],
    )
    return [result.params, seen]


def tree_loss_of_batch(tree, batch):
    """A real function of the tree and a batch."""
    return loss(tree["w"]) + loss(tree["b"] * batch)


def _fit(xp, a):
    result = ag.fit(
        tree_loss_of_batch,
        a.tree,
        [a.tree["b"], a.grads["b"]],
        ag.optimizers.adam(0.01),
        progress=False,
    )
    return result.params


def _monitored_norms(xp, a):
    report = ag.training.gradient_report(a.grads, a.tree)
    return [np.asarray(report.ok)]


LEAFWISE = {"libraries": "each leaf by itself", "devices": "each leaf by itself"}
ON_HOST = {"libraries": "values go to the host anyway", "devices": "values go to the host anyway"}
LADDER = "the ladder goes on only where bars are not small yet, which the host decides"
ADDED = "the losses of the leaves are added"
ROUTINES: list[Routine] = [
    # Transformations
    Routine("grad", lambda xp, a: ag.grad(loss)(a.x)),
    Routine(
        "grad of a tree", lambda xp, a: ag.grad(tree_loss)(a.tree), covers=("grad",), crosses=ADDED
    ),
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
    *TRANSFORMED,
    Routine("stop_gradient", lambda xp, a: ag.grad(lambda x: loss(x * ag.stop_gradient(x)))(a.x)),
    Routine("value", lambda xp, a: ag.value(a.tree), **LEAFWISE),
    Routine(
        "debug_nans", _gradient_asked_for_nans, reads="it asks every result whether it is finite"
    ),
    # New arrays
    Routine("asarray", _new, dtypes=("float64",), covers=("asarray", "use_backend")),
    Routine(
        "namespace",
        lambda xp, a: ag.namespace(a.x, a.v).abs(a.x),
        devices="it tells the library, whatever the device",
    ),
    Routine(
        "to_numpy",
        lambda xp, a: ag.to_numpy(a.tree),
        reads="it is the explicit way to the host",
        device_kept=False,
        **ON_HOST,
    ),
    # Numerical derivatives: an error of one rounding is divided by a step of 6e-6 (5e-3), so that
    # functions are differentiated which all libraries round alike
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
        "differences.derivative, full_output",
        lambda xp, a: _told(ag.differences.derivative(lambda x: x * x * x, a.x, full_output=True)),
        dtypes=REAL,
        condition=1e3,
        reads=LADDER,
        covers=("differences.derivative", "differences.Estimate", "differences.Flags"),
    ),
    Routine(
        "differences.gradient, full_output",
        lambda xp, a: _told(ag.differences.gradient(_gradient, a.x, full_output=True)),
        dtypes=REAL,
        condition=1e3,
        reads=LADDER,
        covers=("differences.gradient", "differences.Estimate", "differences.Flags"),
    ),
    Routine(
        "differences.gradient, complex step",
        lambda xp, a: ag.differences.gradient(_gradient, a.x, method="complex"),
        dtypes=REAL,
        reads="two points evaluated singly tell whether f is analytic",
        covers=("differences.gradient",),
    ),
    Routine(
        "differences.directional",
        lambda xp, a: ag.differences.directional(lambda x: x * x * x, a.x, a.v, evaluate="stacked"),
        dtypes=REAL,
        condition=1e5,
    ),
    Routine(
        "differences.jacobian",
        lambda xp, a: ag.differences.jacobian(_field, a.x[0, ...], evaluate="loop"),
        dtypes=REAL,
        condition=1e5,
    ),
    Routine(
        "differences.jacobian, sparse",
        lambda xp, a: ag.differences.jacobian(
            lambda x: x * x * x, a.x[0, ...], sparsity=([0, 1, 2], [0, 1, 2])
        ),
        dtypes=REAL,
        condition=1e5,
        reads="the pattern is checked, on the host",
        covers=("differences.jacobian",),
    ),
    Routine(
        "differences.hessian",
        lambda xp, a: ag.differences.hessian(_row, a.x[0, ...]),
        dtypes=REAL,
        reads="two points evaluated singly tell whether the gradient is that of f",
    ),
    Routine(
        "check_gradients",
        lambda xp, a: [np.asarray(ag.check_gradients(_gradient, a.x).ok)],
        dtypes=REAL,
        reads="its report is about numbers on the host",
        device_kept=False,
    ),
    *CLIPPING,
    *WRAPPING,
    # Trees
    Routine("trees.dot", lambda xp, a: ag.trees.dot(a.tree, a.grads)),
    Routine("trees.norm", lambda xp, a: ag.trees.norm(a.tree)),
    Routine("trees.norms", lambda xp, a: ag.trees.norms(a.tree), **LEAFWISE),
    Routine("trees.squared_norms", lambda xp, a: ag.trees.squared_norms(a.tree), **LEAFWISE),
    Routine("trees.zeros_like", lambda xp, a: ag.trees.zeros_like(a.tree), **LEAFWISE),
    Routine(
        "trees.map",
        lambda xp, a: ag.trees.map(lambda x, y: ag.value(x), a.tree, a.grads),
        libraries="the function given may do so",
        devices="the function given may do so",
    ),
    Routine(
        "trees.leaves",
        lambda xp, a: dict(zip("bw", ag.trees.leaves(a.tree), strict=True)),
        **LEAFWISE,
    ),
    Routine(
        "trees.flatten, unflatten",
        lambda xp, a: ag.trees.unflatten(ag.trees.flatten(a.tree)[1], ag.trees.leaves(a.grads)),
        covers=("trees.flatten", "trees.unflatten"),
        **LEAFWISE,
    ),
    Routine(
        "trees.flatten_up_to",
        lambda xp, a: dict(
            zip("bw", ag.trees.flatten_up_to(ag.trees.flatten(a.tree)[1], a.grads), strict=True)
        ),
        **LEAFWISE,
    ),
    Routine(
        "trees.to_numpy",
        lambda xp, a: ag.trees.to_numpy(a.tree),
        reads="it is the explicit way to the host",
        device_kept=False,
        **ON_HOST,
    ),
    Routine(
        "trees.to_flat, from_flat",
        lambda xp, a: ag.trees.from_flat(ag.trees.to_flat(a.tree), a.grads),
        reads="the flat form is for files, on the host",
        covers=("trees.to_flat", "trees.from_flat"),
        **ON_HOST,
    ),
    # Training
    Routine(
        "fit",
        _fit,
        dtypes=REAL,
        reads="the history holds the losses as numbers",
        crosses=ADDED,
    ),
    Routine(
        "fit, watched",
        _fit_watched,
        dtypes=REAL,
        reads="its reports and callbacks are about numbers on the host",
        covers=("fit", "training.every", "training.early_stopping"),
        crosses=ADDED,
    ),
    Routine(
        "training.batches",
        lambda xp, a: list(ag.training.batches({"x": a.x, "v": a.v}, 1, epochs=1, rng=0)),
        **LEAFWISE,
    ),
    Routine(
        "training.gradient_report",
        _monitored_norms,
        reads="its report is about numbers on the host",
        device_kept=False,
        devices="values go to the host anyway",
    ),
    # Optimizers
    *OPTIMIZING,
    # Solvers
    *SOLVING,
]


# Public names without a call of their own in the table, and why.
EXEMPT = {
    "configure": "settings; no array in it",
    "settings": "settings; no array in it",
    "use_settings": "settings; no array in it",
    "errors": "exceptions",
    "explain": "words about code; no array in it",
    "trace": "words about a run; the tests of debugging",
    "extend": "rules of users; the tests of extend",
    "plots": "pictures of host numbers",
    "clipping": "a module",
    "differences": "a module",
    "optimizers": "a module",
    "schedules": "a module",
    "solvers": "a module",
    "solvers.proximal": "a module",
    **{
        f"solvers.{name}": "a type"
        for name in (
            *("ConstrainedResult", "Constraint", "CurveFit", "LeastSquaresResult", "Result"),
            *("ScipyFunctions", "SplitResult", "Status"),
        )
    },
    "solvers.proximal.Proximal": "a type",
    "testing": "a module",
    "training": "a module",
    "trees": "a module",
    "clipping.Measured": "a type",
    "clipping.Scale": "a type",
    "schedules.Plateau": "a type",
    "schedules.Schedule": "a type",
    "schedules.plateau": "a state of host numbers; the tests of schedules",
    "schedules.plot": "a picture of host numbers",
    "optimizers.OPTIMIZERS": "the table that this one goes through",
    "optimizers.Difference": "a type",
    "optimizers.Info": "a type",
    "optimizers.Restoration": "a type",
    **{
        f"optimizers.{name}": "files and states of others; the tests of saving, on every library"
        for name in ("from_optax", "from_torch", "load", "read_metadata", "restore", "save")
    },
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
            *("History", "Monitor", "Record", "Stop", "fit"),
        )
    },
}
