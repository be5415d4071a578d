"""What happened during a run: named columns of numbers, kept on the device until read."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anygrad.backends import backend_of, namespace_of
from anygrad.errors import ArgumentError, suggest
from anygrad.files import written_whole
from anygrad.trees import to_numpy

FORMAT = "anygrad history 1"


class History:
    """Columns of numbers by step: ``history["loss"]`` is a NumPy array of float64.

    A value recorded as a 0-d array stays where it is. The first read of a column fetches all its
    pending values in one transfer; that is the only moment the device is waited for.

    Attributes
    ----------
    notes : list of (int, str)
        Sentences with the step they belong to, such as what the gradient monitor found.

    Examples
    --------
    >>> history = ag.training.History()
    >>> history.record(0, loss=np.asarray(2.0), learning_rate=0.1)
    >>> history.record(1, loss=np.asarray(1.0), learning_rate=0.1)
    >>> history.losses.tolist(), history.steps.tolist()
    ([2.0, 1.0], [0, 1])
    """

    def __init__(self) -> None:
        self.notes: list[tuple[int, str]] = []
        self._columns: dict[str, _Column] = {}

    def record(self, step: int, **values: Any) -> None:
        """Append one value to each column named; ``None`` is left out.

        Parameters
        ----------
        step : int
            Step the values belong to, counted from 0.
        **values : float or array, shape ()
            Real numbers; arrays are not read, so nothing waits for the device.
        """
        for name, value in values.items():
            if value is not None:
                column = self._columns.setdefault(name, _Column())
                column.steps.append(step)
                column.values.append(value)

    @property
    def names(self) -> list[str]:
        """Names of the columns, in the order of their first value."""
        return list(self._columns)

    @property
    def steps(self) -> np.ndarray:
        """Steps of the losses, counted from 0; integers."""
        return self.steps_of("loss")

    @property
    def losses(self) -> np.ndarray:
        """Loss of each step, before that step's update; float64, on the host."""
        return self["loss"]

    @property
    def learning_rates(self) -> np.ndarray:
        """Learning rate of each step; empty where the optimizer does not tell it."""
        return self["learning_rate"]

    @property
    def gradient_norms(self) -> np.ndarray:
        """Joint 2-norm of the gradients before clipping."""
        return self["gradient_norm"]

    def __getitem__(self, name: str) -> np.ndarray:
        """Values of one column as float64 on the host; waits for the device if some are pending."""
        column = self._column(name)
        column.fetch()
        return np.asarray(column.values, dtype=np.float64)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __len__(self) -> int:
        """Count the steps with a loss."""
        return len(self._columns["loss"].steps) if "loss" in self else 0

    def __repr__(self) -> str:
        return f"History({len(self)} steps; columns {', '.join(self.names) or 'none'})"

    def steps_of(self, name: str) -> np.ndarray:
        """Tell the steps at which a column was recorded, counted from 0; integers."""
        return np.asarray(self._column(name).steps, dtype=np.int64)

    def fetch(self) -> None:
        """Bring every pending value to the host, one transfer a column; waits for the device."""
        for column in self._columns.values():
            column.fetch()

    def to_dict(self) -> dict[str, Any]:
        """All columns and notes as plain dicts, lists and numbers; waits for the device."""
        self.fetch()
        columns = {
            name: {"steps": list(column.steps), "values": list(column.values)}
            for name, column in self._columns.items()
        }
        return {"format": FORMAT, "columns": columns, "notes": [list(note) for note in self.notes]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "History":
        """Rebuild what ``to_dict`` gave.

        Raises
        ------
        ArgumentError
            If ``data`` is something else.
        """
        if not isinstance(data, Mapping) or data.get("format") != FORMAT:
            message = (
                f"History.from_dict(data): got no {FORMAT!r}; expected what History.to_dict gives."
            )
            raise ArgumentError(message)
        history = cls()
        history.notes = [(int(step), str(note)) for step, note in data["notes"]]
        for name, column in data["columns"].items():
            values = [float(value) for value in column["values"]]
            history._columns[name] = _Column(list(column["steps"]), values)
        return history

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write JSON that any reader understands; the file appears whole or not at all.

        Inf and nan, which JSON has no numbers for, are written as the strings "inf" and "nan".
        """
        data = self.to_dict()
        for column in data["columns"].values():
            column["values"] = [v if math.isfinite(v) else str(v) for v in column["values"]]
        text = json.dumps(data, allow_nan=False)
        with written_whole(path) as file:
            file.write(text.encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "History":
        """Read what ``save`` wrote.

        Raises
        ------
        ArgumentError
            If the file holds something else.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as err:
            message = (
                f"History.load(path): {os.fspath(path)!r} is not JSON; expected a saved History."
            )
            raise ArgumentError(message) from err
        return cls.from_dict(data)

    def copy(self) -> "History":
        """Make one that can be written to without changing this one; waits for nothing."""
        copied = History()
        copied.notes = list(self.notes)
        for name, column in self._columns.items():
            copied._columns[name] = column.copy()
        return copied

    def _column(self, name: str) -> "_Column":
        if name in self._columns:
            return self._columns[name]
        if name in ("loss", "learning_rate", "gradient_norm"):
            return _Column()
        known = ", ".join(self.names) or "none yet"
        message = f"history[name]: got {name!r}; columns are {known}. {suggest(name, self.names)}"
        raise ArgumentError(message.rstrip())


class _Column:
    """Steps and values; the values after the first ``fetched`` may still lie on a device."""

    def __init__(self, steps: list[int] | None = None, values: list[Any] | None = None) -> None:
        self.steps: list[int] = steps or []
        self.values: list[Any] = values or []
        self.fetched = len(self.values)

    def copy(self) -> "_Column":
        copied = _Column(list(self.steps), list(self.values))
        copied.fetched = self.fetched
        return copied

    def fetch(self) -> None:
        if self.fetched < len(self.values):
            self.values[self.fetched :] = to_floats(self.values[self.fetched :])
            self.fetched = len(self.values)


def to_floats(values: Sequence[Any]) -> list[float]:
    """Real 0-d arrays and numbers as Python floats: one transfer where all are of one kind."""
    kinds = {(type(value), getattr(value, "dtype", None)) for value in values}
    if len(kinds) > 1 or backend_of(values[0]) is None:
        return [float(to_numpy(value)) for value in values]
    return to_numpy(namespace_of(values[0]).stack(list(values))).tolist()


def copied(x: Any) -> Any:
    """Copy an array, which the next step may write over; give anything else back."""
    return x if backend_of(x) is None else namespace_of(x).asarray(x, copy=True)
