"""Random programs over the rows, as Python source: what fails can be read, copied and run.

A program is a list of assignments to ``v0, v1, ...``; the first are inputs. It is drawn line by
line while it runs on NumPy, so every line has the shapes it needs and values of moderate size.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

import anygrad as ag

SHAPES = [(), (3,), (1,), (2, 3), (2, 1), (3, 3), (2, 1, 3)]
UNARY = """
    xp.sin({a}) | xp.tanh({a}) | xp.exp(0.3 * xp.tanh({a})) | xp.log(1.5 + {a} * {a})
    xp.sqrt(0.5 + {a} ** 2) | xp.atan({a}) | -{a} | {a} ** 3 / 4.0 | 1.0 / (2.0 + {a} * {a})
    xp.square({a}) | xp.expm1(0.2 * {a}) | xp.cos({a}) * 0.5 | xp.log1p(xp.square({a}))
    xp.asinh({a}) | xp.sinh(xp.atan({a})) | xp.abs({a}) | {a} - 0.25
    xp.reciprocal(3.0 + xp.sin({a})) | 2.0 ** xp.tanh({a}) | xp.cosh(xp.tanh({a}))
    xp.acos(0.5 * xp.sin({a})) | {a} * {a} * {a}
"""
BINARY = """
    {a} + {b} | {a} - 2.0 * {b} | {a} * {b} | {a} / (1.5 + {b} ** 2) | xp.maximum({a}, {b})
    xp.hypot({a}, 1.0 + {b} * {b}) | xp.atan2({a}, 1.5 + {b} ** 2) | xp.logaddexp({a}, {b})
    xp.where({b} > 0.1, {a}, {a} * {b}) | xp.minimum({a}, 0.5 * {b}) | (1.5 + {a} ** 2) ** {b}
    xp.multiply({a}, {b}) + {a} | xp.add({a}, {a}) * {b}
"""
ALONG = """
    xp.sum({a}, axis={axis}, keepdims={keep}) | xp.mean({a}, axis={axis}, keepdims={keep})
    xp.max({a}, axis={axis}, keepdims={keep}) | xp.prod({a}, axis={axis}, keepdims={keep})
    xp.cumulative_sum({a}, axis={axis}) | xp.flip({a}, axis={axis})
    xp.roll({a}, 1, axis={axis}) | xp.concat([{a}, 2.0 * {a}], axis={axis})
    xp.stack([{a}, xp.sin({a})], axis={axis}) | xp.expand_dims({a}, axis={axis})
    xp.take({a}, integers({a}, [0, 0]), axis={axis}) | xp.sort({a}, axis={axis})
    xp.unstack({a}, axis={axis})[0] * 2.0 | xp.repeat({a}, 2, axis={axis})
    xp.var({a}, axis={axis}) | xp.cumulative_prod({a}, axis={axis})
    {a}[-1, ...] * {a}[0, ...]
"""
WHOLE = """
    xp.reshape({a}, (-1,)) | xp.sum({a}) | xp.mean({a}) * {a} | {a}[..., :1] | {a}[..., ::2]
    xp.sum({a} * {a}, axis=-1) | {a} - xp.mean({a}, axis=0, keepdims=True) | {a}[0, ...] + {a}
    xp.broadcast_to({a}, (2, *{a}.shape)) | xp.tile({a}, (2,) * len({a}.shape))
    {a}[None, ...]
"""
MATRIX = """
    {a} @ xp.matrix_transpose({a}) | xp.permute_dims({a}, (1, 0))
    xp.tril({a}) + xp.triu({a}, k=1) | xp.matmul(xp.matrix_transpose({a}), {a})
    xp.matmul({a}, {a}[0, :]) | xp.vecdot({a}, {a})
    xp.tensordot({a}, {a}, axes=((0,), (0,))) | xp.linalg.vector_norm({a} + 3.0, axis=0)
"""
WRITES = """
    {v} = {a} * 1.0; {v}[0, ...] = {v}[-1, ...] * 2.0
    {v} = xp.zeros_like({a}); {v}[...] = {a} | {v} = {a} + 0.0; {v}[..., :1] += 0.5
    {v} = {a} * 1.0; {v}[0, ...] *= xp.sin({a}[0, ...])
    {v} = xp.zeros_like({a}); {v}[0, ...] = xp.sum({a})
    {v} = {a} + 1.0; {v} *= {a}; {v} -= 0.5
"""
TABLES = {
    kind: [form.strip() for line in text.strip().splitlines() for form in line.split("|")]
    for kind, text in {
        "unary": UNARY,
        "binary": BINARY,
        "along": ALONG,
        "whole": WHOLE,
        "matrix": MATRIX,
        "writes": WRITES,
    }.items()
}
LARGEST = 50.0


class Program(NamedTuple):
    """A real function of some arrays, as source, with inputs to try it at."""

    lines: tuple[str, ...]
    inputs: tuple[np.ndarray, ...]

    def __repr__(self) -> str:
        names = ", ".join(f"v{k}" for k in range(len(self.inputs)))
        body = "".join(f"    {line}\n" for line in self.lines)
        values = "".join(f"v{k} = np.{x!r}\n" for k, x in enumerate(self.inputs))
        return f"\n{values}def f({names}):\n    xp = ag.namespace({names})\n{body}"

    @property
    def function(self) -> Any:
        """The program as a function of its inputs."""
        code = compile("\n".join(self.lines[:-1]), "<program>", "exec")
        result = compile(self.lines[-1].removeprefix("return "), "<program>", "eval")

        def f(*inputs):
            scope = {f"v{k}": x for k, x in enumerate(inputs)}
            scope |= {"xp": ag.namespace(*inputs), "integers": integers}
            exec(code, scope)
            return eval(result, scope)

        return f


def integers(x, values):
    """Indices beside an array, on its device."""
    xp = ag.namespace(x)
    place = {} if getattr(x, "device", None) is None else {"device": x.device}
    return xp.asarray(values, dtype=xp.int64, **place)


@st.composite
def programs(draw, length: int = 6) -> Program:
    """Programs of some lines, which end in a sum over everything that was not used."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    inputs = tuple(np.asarray(rng.uniform(-1.2, 1.2, shape)) for shape in shapes)
    scope = {f"v{k}": x for k, x in enumerate(inputs)}
    lines, used = [], set()
    for _ in range(draw(st.integers(1, length))):
        name = f"v{len(scope)}"
        line = draw_line(draw, name, scope)
        trial = {**scope, "xp": np, "integers": integers}
        try:
            with np.errstate(all="raise"):
                exec(line, trial)
        except (ValueError, IndexError, TypeError, FloatingPointError):
            continue  # a form that these shapes do not allow
        value = np.asarray(trial[name])
        if value.size == 0 or value.size > 60 or np.max(np.abs(value)) > LARGEST:
            continue
        scope[name] = trial[name]
        used |= {other for other in scope if other != name and other in line}
        lines.append(line)
    ends = [name for name in scope if name not in used]
    total = " + ".join(f"xp.sum(xp.sin({name}))" for name in ends)
    return Program((*lines, f"return {total}"), inputs)


def draw_line(draw, name: str, scope: dict[str, Any]) -> str:
    """One assignment with operands among the values so far."""
    a, b = draw(st.sampled_from(list(scope))), draw(st.sampled_from(list(scope)))
    # NumPy takes axis 0 of arrays without axes in some functions; the standard does not
    kinds = list(TABLES) if np.ndim(scope[a]) else ["unary", "binary", "whole"]
    kind = draw(st.sampled_from(kinds))
    form = draw(st.sampled_from(TABLES[kind]))
    axis = draw(st.integers(-2, 1))
    text = form.format(a=a, b=b, v=name, axis=axis, keep=draw(st.booleans()))
    return text if kind == "writes" else f"{name} = {text}"
