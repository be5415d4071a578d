"""Optimizer states of PyTorch and optax as ours. Neither library is imported.

Which of their fields is which of our slots stands in the tables of `torch_states` and
`optax_states`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anygrad.backends.types import Tree
from anygrad.optimizers.flow import State
from anygrad.optimizers.saving.filling import fill
from anygrad.optimizers.saving.optax_states import read_optax
from anygrad.optimizers.saving.torch_states import read_torch

__all__ = ["from_optax", "from_torch"]


def from_torch(
    saved: Any,
    like: State,
    *,
    params: Tree,
    order: Iterable[str] | None = None,
    step: int | None = None,
) -> State:
    """Make a state of ours from that of an optimizer of ``torch.optim``.

    Go on from there with the same optimizer in the same settings, ``compat="torch"``: names of
    slots and shapes are checked, but hyperparameters are in no state.

    Parameters
    ----------
    saved : torch.optim.Optimizer, or what its ``state_dict()`` returned
        Tensors or NumPy arrays. All parameters must have made the same number of steps.
    like : dict
        ``optimizer.init(params)``; of a chain, one part takes the state.
    params : tree of arrays
        Ours. Shapes must be PyTorch's, so a weight of ``torch.nn.Linear`` is (out, in).
    order : iterable of str, optional
        The paths of ``params`` in the order of PyTorch's parameters; ``layer.weight`` is read as
        ``layer/weight``, so ``[name for name, _ in model.named_parameters()]`` will do where the
        names are the same. Not needed for one parameter, or if ``saved`` has the names.
    step : int, optional
        Steps made, >= 0; only for what keeps no count, which is SGD and Muon.

    Returns
    -------
    dict
        A state with the structure, libraries, dtypes and devices of ``like``. A value may be
        widened (float32 to float64), never cut. ``master``, and parts of a chain that PyTorch has
        not, are those of ``like``.

    Raises
    ------
    ArgumentError
        If parameters, slots or step counts do not fit; names them.
    ShapeError
        If a value has another shape than its slot.
    DTypeError
        If it has a dtype that would lose digits.

    Examples
    --------
    >>> saved = {
    ...     "state": {0: {"step": np.float32(7), "exp_avg": np.ones(2), "exp_avg_sq": np.ones(2)}},
    ...     "param_groups": [{"lr": 0.1, "params": [0]}],
    ... }
    >>> params = {"w": np.zeros(2)}
    >>> state = ag.optimizers.from_torch(saved, ag.optimizers.adam(0.1).init(params), params=params)
    >>> int(state["step"]), state["m"]
    (7, {'w': array([1., 1.])})
    """
    return fill(read_torch(saved, params, order), like, step)


def from_optax(saved: Any, like: State, *, step: int | None = None) -> State:
    """Make a state of ours from that of an optimizer of optax.

    Go on from there with the same optimizer in the same settings, ``compat="optax"``: names of
    slots and shapes are checked, but hyperparameters are in no state. What is ``nadam`` there
    goes on as ``adam(nesterov=True)``; a trace behind the learning rate is a buffer with
    ``learning_rate_in_buffer=True``, as ``lars`` and ``rmsprop`` have it anyway.

    Parameters
    ----------
    saved : nested tuples
        The state of an optimizer, a chain, ``masked``, ``partition`` or ``inject_hyperparams``. The
        arrays may be JAX's or NumPy's.
    like : dict
        ``optimizer.init(params)``, where ``params`` have the keys and shapes that they have there;
        of a chain, one part takes the state.
    step : int, optional
        Steps made, >= 0; only for what keeps no count: with a constant learning rate, SGD, sign
        SGD, RMSprop, Adagrad, Adadelta, Rprop, LARS, DoG, DoWG and Polyak's.

    Returns
    -------
    dict
        A state with the structure, libraries, dtypes and devices of ``like``. A value may be
        widened (float32 to float64), never cut. The learning rate is that of ``like`` where the
        state has none.

    Raises
    ------
    ArgumentError
        If a state is unknown, or parameters, slots or step counts do not fit; names them.
    ShapeError
        If a value has another shape than its slot.
    DTypeError
        If it has a dtype that would lose digits.

    Examples
    --------
    >>> from collections import namedtuple
    >>> adam_state = namedtuple("ScaleByAdamState", "count mu nu")  # as optax has it
    >>> saved = (adam_state(np.int32(7), {"w": np.ones(2)}, {"w": np.ones(2)}),)
    >>> params = {"w": np.zeros(2)}
    >>> state = ag.optimizers.from_optax(saved, ag.optimizers.adam(0.1).init(params))
    >>> int(state["step"]), state["m"]
    (7, {'w': array([1., 1.])})
    """
    return fill(read_optax(saved), like, step)
