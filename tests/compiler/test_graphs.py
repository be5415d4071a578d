"""Random programs: compiled is eager to the last bit, in every transformation, for other values."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anygrad as ag
from tests.compiler.agreement import assert_agrees, use_plain_target
from tests.oracles.programs import Program, programs

FEW, MANY = 15, 1500
BRANCHES = (
    "    y = y * 2.0 if {a} > {level} else y - 1.0",
    "    y = y + np.where(y > {level}, y, {a} * y)",
    "    while np.sum(np.abs(y)) > 40.0: y = 0.25 * y",
    "    for row in y: y = y + 0.1 * np.sin(row) if row[0] > {level} else y",
    "    y = y * int(10.0 * {a})",
    "    y = y[np.argsort(y[:, 0])]",
    "    y = np.concatenate([y[y[:, 0] > {level}], y]).sum(axis=0) * y",
    "    z = y * 1.0; z[z > {level}] = {a}; y = z + y",
    "    z = np.zeros((3, 4)); z[1] = y[2]; z[:, int(abs({a})) % 4] += 1.0; y = y * z + y",
    "    z = y * 1.0; z[..., ::2] *= {a}; y = z - 0.5 * y.T.reshape(3, 4)",
    "    y = y.astype(np.float32).astype(np.float64) * {a}",
    "    y = y + np.arange(4) * np.float64({a}) - np.ones((3, 1)) @ y[:1]",
    "    y = np.sort(y, axis=1)[:, ::-1] + np.cumsum(y, axis=0)",
    "    y = y + np.round(y) * np.floor({a}) + np.sign(y)",
    "    y = y * np.max(y, axis=0) - np.prod(y[:2], axis=0, keepdims=True)",
    "    u, y = y[:2], y * np.mean(y); y = y + np.sum(u * u)",
    "    y = y - np.exp(-np.abs(y)) * (np.linalg.norm(y) > {level})",
    "    y = np.abs(y) ** 0.5 + y**2 - y**3 / (1.0 + y**2)",
    "    y = (y @ y.T) @ y / (1.0 + np.sum(y * y))",
)
SCALARS = ("x[0, 0]", "x[1, 2]", "np.sum(x)", "np.max(x)", "y[0, 1]", "np.mean(y)", "c")


@st.composite
def with_branches(draw):
    """Source of a function of an array and a number whose way depends on their values."""
    lines = draw(st.lists(st.sampled_from(BRANCHES), min_size=1, max_size=5))
    chosen = [
        line.format(a=draw(st.sampled_from(SCALARS)), level=draw(st.sampled_from((-0.5, 0.0, 0.5))))
        for line in lines
    ]
    ends = draw(st.sampled_from(("y", "np.sum(y)", "y[0]", "(y, c * y)", "{'y': y, 'x': x}")))
    return "\n".join(["def f(x, c):", "    y = x * c", *chosen, f"    return {ends}"])


def function_of(source):
    scope = {"np": np}
    exec(source, scope)
    return scope["f"]


def loss_of(f):
    def loss(*args):
        return sum(np.sum(np.sin(y)) for y in ag.trees.leaves(f(*args)))

    return loss


def check_branches(source, seed):
    f, rng = function_of(source), np.random.default_rng(seed)
    calls = [(rng.normal(size=(3, 4)), float(c)) for c in rng.normal(size=3)]
    calls.append(calls[0])
    loss = loss_of(f)
    assert_agrees(f, *calls)
    assert_agrees(ag.value_and_grad(loss, argnums=(0, 1)), *calls, zeros=False)
    assert_agrees(lambda x, c: ag.jvp(loss, (x, c), (np.cos(x), 1.0)), *calls)


def check_program(program: Program, seed):
    rng = np.random.default_rng(seed)
    f, count = program.function, len(program.inputs)
    calls = [program.inputs, tuple(rng.uniform(-1.2, 1.2, x.shape) for x in program.inputs)]
    calls = [tuple(np.asarray(x) for x in call) for call in calls]
    gradient = ag.grad(f, tuple(range(count)))
    assert_agrees(f, *calls)
    assert_agrees(gradient, *calls, zeros=False)
    tangents = [tuple(np.asarray(np.cos(x)) for x in call) for call in calls]
    assert_agrees(lambda *xs: ag.jvp(gradient, xs, tangents[0]), *calls, zeros=False)
    stacks = [
        tuple(np.stack([x, y, x]) for x, y in zip(*pair, strict=True))
        for pair in (calls, calls[::-1])
    ]
    assert_agrees(ag.vmap(f), *stacks)


def repeated(examples):
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=examples, suppress_health_check=checks)


@pytest.fixture(autouse=True)
def plain_target(monkeypatch):
    use_plain_target(monkeypatch)


@repeated(FEW)
@given(with_branches(), st.integers(0, 99))
def test_programs_with_branches_agree(source, seed):
    check_branches(source, seed)


@repeated(FEW)
@given(programs(), st.integers(0, 99))
def test_programs_agree(program, seed):
    check_program(program, seed)


@pytest.mark.slow
@repeated(MANY)
@given(with_branches(), st.integers(0, 9999))
def test_many_programs_with_branches_agree(source, seed):
    check_branches(source, seed)


@pytest.mark.slow
@repeated(MANY)
@given(programs(12), st.integers(0, 9999))
def test_many_programs_agree(program, seed):
    check_program(program, seed)
