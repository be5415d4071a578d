"""The proof: five steps of PyTorch or optax, five of ours, and ten of theirs end at one place."""

import inspect
from importlib import import_module

import numpy as np
import pytest

from anygrad import optimizers as o
from anygrad import trees
from anygrad.optimizers.rules.factories import declaration_of
from anygrad.optimizers.saving.importing import from_optax, from_torch
from anygrad.optimizers.saving.optax_states import OPTAX
from anygrad.trees import from_flat, to_flat
from tests.optimizers.import_cases import LONG, OPTAX_CASES, TORCH_CASES, Case, draw
from tests.optimizers.peer_states import by_path
from tests.support import open_namespace, reason_missing

NOT_IN_OPTAX = {"learning_rate", "d", "eta"}


def run_ours(case, optimizer, params, state, **extra):
    for grads in case.grads()[5:]:
        params, state = optimizer.step(
            params, from_flat(to_flat(grads), like=params), state, **extra
        )
    return params, state


def assert_same(mine, expected):
    mine, expected = by_path(mine), by_path(expected)
    assert set(mine) == set(expected)
    for path, value in expected.items():
        # the same formula, which may take its operations in another order
        np.testing.assert_allclose(mine[path], value, rtol=1e-12, atol=1e-12, err_msg=path)


def assert_same_state(mine, expected, but=frozenset()):
    for name in set(mine) - but:
        assert_same({name: mine[name]}, {name: expected[name]})


@pytest.fixture
def torch(monkeypatch):
    """PyTorch in float64 throughout: numbers of NAdam and ASGD, and the matrices of Muon."""
    torch = pytest.importorskip("torch", reason="five steps are PyTorch's own")
    module = import_module("torch.optim._muon")
    source = inspect.getsource(module._zeropower_via_newtonschulz)
    assert source.count("grad.bfloat16()") == 1
    scope = dict(vars(module))
    exec(source.replace("grad.bfloat16()", "grad.clone()"), scope)
    monkeypatch.setattr(module, "_zeropower_via_newtonschulz", scope["_zeropower_via_newtonschulz"])
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


@pytest.mark.parametrize("name", TORCH_CASES)
@pytest.mark.parametrize("as_numpy", [False, True], ids=["optimizer", "arrays"])
def test_five_steps_of_torch_and_five_of_ours_are_ten_of_torch(torch, name, as_numpy):
    case = TORCH_CASES[name]
    start = draw(case.shapes, 7)
    order = list(by_path(start))[::-1]  # not the sorted one
    theirs = [torch.tensor(by_path(start)[path], requires_grad=True) for path in order]
    keywords = {("lr" if k == "learning_rate" else k): v for k, v in case.keywords().items()}
    if name != "muon":
        keywords["foreach"] = False
    peer = getattr(torch.optim, case.theirs or case.peer.capitalize())(theirs, **keywords)
    optimizer = case.optimizer("torch")

    def ours(step):
        arrays = [tensor.detach().numpy().copy() for tensor in theirs]
        params = from_flat(dict(zip(order, arrays, strict=True)), like=start)
        saved = numpy_of(peer.state_dict()) if as_numpy else peer
        counted = step if case.counted_by_us else None
        like = optimizer.init(params)
        return params, from_torch(saved, like, params=params, order=order, step=counted)

    for step, grads in enumerate(case.grads()):
        if step == 5:
            params, state = run_ours(case, optimizer, *ours(5))
        for p, path in zip(theirs, order, strict=True):
            p.grad = torch.tensor(by_path(grads)[path])
        peer.step()
    expected, at_ten = ours(10)
    assert_same(params, expected)
    assert_same_state(state, at_ten)


def numpy_of(saved):
    state = {
        key: {
            name: value if value is None else value.numpy().copy() for name, value in fields.items()
        }
        for key, fields in saved["state"].items()
    }
    return {**saved, "state": state}


def test_a_model_of_torch_tells_the_order_itself():
    torch = pytest.importorskip("torch", reason="the optimizer of a model of PyTorch's")
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Linear(2, 1)).double()
    peer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.ones(4, 3, dtype=torch.float64)).sum().backward()
    peer.step()
    names = [name for name, _ in model.named_parameters()]
    params = {
        layer: {"weight": part.weight.detach().numpy(), "bias": part.bias.detach().numpy()}
        for layer, part in zip("01", model, strict=True)
    }
    state = from_torch(peer, o.adam(0.1).init(params), params=params, order=names)
    weight = peer.state_dict()["state"][0]["exp_avg"]
    assert np.array_equal(state["m"]["0"]["weight"], weight.numpy())


@pytest.fixture
def optax(monkeypatch):
    """Optax in float64 throughout: Adafactor's decay and momentum, the schedule-free warm-up."""
    if reason_missing("jax"):
        pytest.skip(f"five steps are optax's own: {reason_missing('jax')}")
    optax = pytest.importorskip("optax", reason="five steps are optax's own")
    from optax._src import factorized

    jnp = open_namespace("jax")
    schedules = import_module("optax.contrib._schedule_free")._schedule
    rate = factorized.scale_by_factored_rms.__defaults__
    momentum = optax.adafactor.__defaults__
    assert rate[-1] is factorized._decay_rate_pow
    assert momentum[7] is jnp.float32

    def decay(count, exponent):
        return 1.0 - jnp.asarray(count + 1, dtype=jnp.float64) ** (-exponent)

    def warmup(init_value, peak_value, warmup_steps):
        assert init_value == 0
        return lambda count: peak_value * jnp.minimum(jnp.float64(count) / warmup_steps, 1.0)

    monkeypatch.setattr(factorized.scale_by_factored_rms, "__defaults__", (*rate[:-1], decay))
    monkeypatch.setattr(
        optax.adafactor, "__defaults__", (*momentum[:7], jnp.float64, *momentum[8:])
    )
    monkeypatch.setattr(schedules, "warmup_constant_schedule", warmup)
    return optax


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in OPTAX_CASES],
)
def test_five_steps_of_optax_and_five_of_ours_are_ten_of_optax(optax, name):
    case = OPTAX_CASES[name]
    jnp = open_namespace("jax")
    make = getattr(optax, case.peer, None) or getattr(optax.contrib, case.peer)
    peer = optax.chain(optax.identity(), make(**case.keywords()))
    extra = {"value": 3.0} if case.ours is o.polyak_sgd else {}
    optimizer = case.optimizer("optax")
    params = trees.map(jnp.asarray, draw(case.shapes, 7))
    saved = peer.init(params)
    # whole only where its operations, one by one, take longer to compile
    update = import_module("jax").jit(peer.update) if name in LONG else peer.update

    def ours(step):
        counted = step if case.counted_by_us else None
        return from_optax(saved, optimizer.init(params), step=counted)

    for step, grads in enumerate(case.grads()):
        if step == 5:
            assert int(ours(5)["step"]) == 5
            mine, state = run_ours(case, optimizer, params, ours(5), **extra)
        updates, saved = update(trees.map(jnp.asarray, grads), saved, params, **extra)
        params = optax.apply_updates(params, updates)
    assert_same(mine, params)
    assert_same_state(state, ours(10), but=NOT_IN_OPTAX)


def test_injected_hyperparameters_of_optax_go_on(optax):
    jnp = open_namespace("jax")
    peer = optax.inject_hyperparams(optax.adam)(learning_rate=0.01)
    case, params = Case(o.adam, {"learning_rate": 0.5}), {"w": jnp.ones(3, dtype=jnp.float64)}
    optimizer, saved = case.optimizer("optax"), peer.init(params)
    for _ in range(5):
        updates, saved = peer.update(params, saved, params)
        params = optax.apply_updates(params, updates)
    state = from_optax(saved, optimizer.init(params))
    assert int(state["step"]) == 5
    assert_same({"rate": state["learning_rate"]}, {"rate": np.float64(0.01)})


def test_step_sizes_and_signs_of_rprop_go_on_though_optax_steps_one_too_late(optax):
    jnp = open_namespace("jax")
    case, peer = Case(o.rprop), optax.rprop(0.01)
    params = trees.map(jnp.asarray, draw(case.shapes, 7))
    saved = peer.init(params)
    for step, grads in enumerate(case.grads()):
        if step == 5:
            state = from_optax(saved, o.rprop(0.01).init(params), step=5)
            _, state = run_ours(case, o.rprop(0.01), params, state)
        _, saved = peer.update(trees.map(jnp.asarray, grads), saved, params)
    expected = from_optax(saved, o.rprop(0.01).init(params), step=10)
    assert_same(state["size"], expected["size"])
    assert_same(*(trees.map(jnp.sign, found["g_last"]) for found in (state, expected)))


@pytest.mark.parametrize(("peer", "cases"), [("torch", TORCH_CASES), ("optax", OPTAX_CASES)])
def test_every_optimizer_that_follows_a_peer_is_imported_from_it(peer, cases):
    names = {name for name, make in o.OPTIMIZERS.items() if peer in declaration_of(make).peers}
    # optax.nadam keeps no product of momenta, and is adam(nesterov=True) here
    proven = {case.peer if case.peer == "nadam" else case.ours.__name__ for case in cases.values()}
    assert names <= proven


def test_the_classes_of_the_table_are_those_of_optax():
    optax = pytest.importorskip("optax", reason="its classes are compared with the table")
    missing = {}
    for name, row in OPTAX.items():
        kind = getattr(optax, name, None) or getattr(optax.contrib, name, None)
        if kind is not None and not set(row) <= set(kind._fields):
            missing[name] = kind._fields
    assert missing == {}
