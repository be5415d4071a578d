"""Which field of a state of PyTorch's is which slot of ours."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from anygrad import trees
from anygrad.backends.types import Tree
from anygrad.errors import ArgumentError, describe, suggest
from anygrad.optimizers.saving.filling import STEP, Found, Source, count_of, rate_of
from anygrad.optimizers.saving.named import list_some, value_of

__all__ = ["TORCH", "read_torch"]

# field of a parameter's state in torch.optim: our slot; None for what our formula computes from t
TORCH: dict[str, str | None] = {
    "step": STEP,
    "exp_avg": "m",
    "exp_avg_sq": "v",
    "max_exp_avg_sq": "v_max",
    "exp_inf": "u",  # adamax
    "mu_product": "mu_product",  # nadam
    "momentum_buffer": "b",  # sgd, rmsprop, muon
    "sum": "s",  # adagrad
    "square_avg": "v",  # rmsprop, adadelta
    "grad_avg": "a",  # rmsprop
    "acc_delta": "u",  # adadelta
    "ax": "average",  # asgd
    "eta": "eta",  # asgd
    "mu": None,  # asgd
    "prev": "g_last",  # rprop
    "step_size": "size",  # rprop
    "row_var": "v_row",  # adafactor
    "col_var": "v_col",  # adafactor
    "variance": "v",  # adafactor
}


def read_torch(saved: Any, params: Tree, order: Iterable[str] | None) -> Found:
    """Read an optimizer of ``torch.optim`` or its ``state_dict()``."""
    found = Found("from_torch(saved)")
    groups, states = _read_torch(saved)
    keys = [key for group in groups for key in group["params"]]
    paths = _order(keys, groups, params, order)
    for key, path in zip(keys, paths, strict=True):
        for name, value in (states.get(key) or {}).items():
            _take_torch(found, name, path, value)
    if groups and "lr" in groups[0]:
        found.rate = rate_of(f"{found.where}, lr of param_groups[0]", groups[0]["lr"])
    return found


def _read_torch(saved: Any) -> tuple[list[Mapping], Mapping]:
    """The groups and the states by parameter of a state_dict, or of an optimizer."""
    if not isinstance(saved, (Mapping, type)) and hasattr(saved, "state_dict"):
        saved = saved.state_dict()
    if not isinstance(saved, Mapping) or not {"state", "param_groups"} <= set(saved):
        message = (
            f"from_torch(saved): got {describe(saved)}; expected an optimizer of torch.optim or "
            "its state_dict(), with the keys 'state' and 'param_groups'."
        )
        raise ArgumentError(message)
    groups, states = saved["param_groups"], saved["state"]
    if not isinstance(groups, Sequence) or not all(map(_is_group, groups)):
        message = (
            f"from_torch(saved['param_groups']): got {describe(groups)}; expected a list of dicts, "
            "each with a list of the keys of its parameters under 'params'."
        )
        raise ArgumentError(message)
    if not isinstance(states, Mapping) or not all(
        state is None or isinstance(state, Mapping) for state in states.values()
    ):
        message = (
            f"from_torch(saved['state']): got {describe(states)}; expected a dict with a dict for "
            "each parameter."
        )
        raise ArgumentError(message)
    return list(groups), states


def _is_group(group: Any) -> bool:
    """Whether this is a group of parameters, with keys that a dict can have."""
    if not isinstance(group, Mapping):
        return False
    keys, names = group.get("params"), group.get("param_names", ())
    return (
        isinstance(keys, (list, tuple))
        and all(isinstance(key, Hashable) for key in keys)
        and isinstance(names, (list, tuple))
    )


def _order(
    keys: Sequence[Any], groups: Sequence[Mapping], params: Tree, order: Iterable[str] | None
) -> list[str]:
    """The path of each of PyTorch's parameters."""
    paths = [str(path) for path in trees.paths(params)]
    if order is None:
        named = [name for group in groups for name in group.get("param_names", ())]
        order = named or (keys if all(isinstance(key, str) for key in keys) else None)
    if order is None and len(keys) == len(paths) == 1:
        return paths
    if order is None:
        message = (
            f"from_torch(order): got nothing for {len(keys)} parameters; expected the paths of "
            f"params, {list_some(map(repr, paths))}, in PyTorch's order, which the state does not "
            "tell. Pass order=[name for name, _ in model.named_parameters()]."
        )
        raise ArgumentError(message)
    names = list(order) if isinstance(order, Iterable) and not isinstance(order, str) else None
    if names is None or not all(isinstance(name, str) for name in names):
        message = (
            f"from_torch(order): got {describe(order)}; expected paths of params, each a str. "
            "Pass order=[name for name, _ in model.named_parameters()]."
        )
        raise ArgumentError(message)
    found = [_path_of(name, paths) for name in names]
    if sorted(found) != sorted(paths) or len(found) != len(keys):
        message = (
            f"from_torch(order): got {list_some(map(repr, found))} for {len(keys)} parameters of "
            f"PyTorch's; expected each path of params once, {list_some(map(repr, paths))}. "
            "Leave parameters that PyTorch does not optimize out of params."
        )
        raise ArgumentError(message)
    return found


def _path_of(name: str, paths: Sequence[str]) -> str:
    slashed = name.replace(".", "/")
    if name in paths or slashed in paths:
        return name if name in paths else slashed
    message = (
        f"from_torch(order): got {name!r}, which is no path of params; expected one of "
        f"{list_some(map(repr, paths))}. {suggest(slashed, paths)}"
    )
    raise ArgumentError(message.rstrip())


def _take_torch(found: Found, name: str, path: str, value: Any) -> None:
    """Keep one field of one parameter's state."""
    if value is None:
        return
    label = f"{name} of {trees.show_path('params', path)}"
    if name not in TORCH:
        message = (
            f"{found.where}: got {label}; expected one of {', '.join(TORCH)}. "
            f"{suggest(name, TORCH)}"
        )
        raise ArgumentError(message.rstrip())
    slot = TORCH[name]
    if slot == STEP:
        found.steps[label] = count_of(f"{found.where}, {label}", value)
    elif slot is not None:
        found.add(slot, path, Source(value_of(found.where, label, value), label))
