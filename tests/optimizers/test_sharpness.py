import json
from pathlib import Path

import numpy as np
import pytest

import anygrad as ag
from anygrad.errors import ArgumentError, ShapeError
from anygrad.optimizers import (
    adam,
    chain,
    clip_by_global_norm,
    freeze,
    info,
    masked,
    polyak_sgd,
    sam,
    sgd,
)
from tests.support import assert_close, forbid_host_copies, to_host

PEERS = Path(__file__).with_name("peers")
QUADRATIC = json.loads(PEERS.joinpath("problem.json").read_text())["quadratic"]
START = json.loads(PEERS.joinpath("problem.json").read_text())["start"]
MATRIX, CENTRE = np.asarray(QUADRATIC["matrix"]), np.asarray(QUADRATIC["centre"])
ROWS = [
    row
    for row in json.loads(PEERS.joinpath("optax.json").read_text())["trajectories"]
    if row["optimizer"] == "sam"
]


def slope(params):
    g = MATRIX @ (np.concatenate([params["b"], params["s"]]) - CENTRE)
    return {"b": g[:6], "s": g[6:]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["given"]))
def test_trajectories_of_optax(row):
    given = dict(row["given"])
    # optax counts the last gradient too, and without opaque_mode each ascent is a call of its own
    ascents = given.pop("sync_period", 2) - 1
    calls = 1 if given.pop("opaque_mode", False) else ascents + 1
    inner = sgd(given["learning_rate"], momentum=given.get("momentum", 0.0))
    optimizer = sam(inner, given["rho"], ascents=ascents)
    params = {name: np.asarray(START[name]) for name in row["leaves"]}
    state = optimizer.init(params)
    compared = 0
    for call in range(calls, 61, calls):
        params, state = optimizer.step(params, slope(params), state, grad=slope)
        for name, expected in row["points"].get(str(call), {}).items():
            # the promise of the library for double precision
            np.testing.assert_allclose(params[name], expected, rtol=1e-12, atol=1e-12)
            compared += 1
    assert compared >= 4


def test_there_are_rows():
    assert len(ROWS) >= 5


def cubes(params):
    """Gradient of the sum of fourth powers, over 4."""
    return {"w": params["w"] ** 3, "b": params["b"] ** 3}


def test_step_by_hand(xp):
    # g = (27, 0, 64): norm sqrt(27^2 + 64^2)
    params = {"w": xp.asarray([3.0, 0.0]), "b": xp.asarray(4.0)}
    optimizer = sam(sgd(0.5), rho=0.5)
    with forbid_host_copies():
        stepped, _ = optimizer.step(params, cubes(params), optimizer.init(params), grad=cubes)
    length = np.sqrt(27.0**2 + 64.0**2)
    w, b = 3.0 + 13.5 / length, 4.0 + 32.0 / length
    expected = {"w": np.asarray([3.0 - w**3 / 2, 0.0]), "b": np.asarray(4.0 - b**3 / 2)}
    assert_close(stepped, expected)


def test_adaptive_step_by_hand(xp):
    params = {"w": xp.asarray([3.0, 0.0]), "b": xp.asarray(-4.0)}
    optimizer = sam(sgd(0.5), rho=0.5, adaptive=True, eta=0.25)
    stepped, _ = optimizer.step(params, cubes(params), optimizer.init(params), grad=cubes)
    # s g = (3.25 * 27, 0.25 * 0, 4.25 * -64)
    length = np.hypot(3.25 * 27.0, 4.25 * 64.0)
    w = 3.0 + 0.5 * 3.25**2 * 27.0 / length
    b = -4.0 - 0.5 * 4.25**2 * 64.0 / length
    expected = {"w": np.asarray([3.0 - w**3 / 2, 0.0]), "b": np.asarray(-4.0 - b**3 / 2)}
    assert_close(stepped, expected)


def test_value_and_grad_is_taken(xp):
    params = xp.asarray([1.0])
    optimizer = sam(sgd(0.25), rho=1.0)
    function = ag.value_and_grad(lambda x: x[0] ** 4)
    state = optimizer.init(params)
    _, grads = function(params)
    stepped, _ = optimizer.step(params, grads, state, value_and_grad=function)
    assert_close(stepped, np.asarray([-7.0]))


def test_gradients_beyond_the_square_root_of_the_range(xp):
    params = xp.asarray([0.0, 0.0], dtype=xp.float32)
    grads = xp.asarray([3e30, 4e30], dtype=xp.float32)
    seen = []

    def gradient(point):
        seen.append(point)
        return grads

    optimizer = sam(sgd(0.0), rho=5.0)
    optimizer.step(params, grads, optimizer.init(params), grad=gradient)
    assert_close(seen[0], np.asarray([3.0, 4.0], dtype=np.float32))


def test_at_a_minimum_it_stays(xp):
    params = {"w": xp.asarray([0.0, 0.0]), "b": xp.asarray(0.0)}
    optimizer = sam(sgd(0.5))
    stepped, _ = optimizer.step(params, cubes(params), optimizer.init(params), grad=cubes)
    assert_close(stepped, {"w": np.zeros(2), "b": np.asarray(0.0)})


def test_clip_inside_sees_the_second_gradient():
    optimizer = sam(chain(clip_by_global_norm(1.0), sgd(0.5)), rho=1.0)
    params = {"w": np.asarray([1.0]), "b": np.asarray(0.0)}
    stepped, state = optimizer.step(params, cubes(params), optimizer.init(params), grad=cubes)
    assert_close(info(state).norm, np.asarray(8.0))
    assert_close(stepped["w"], np.asarray([0.5]))


def test_complex_parameters(xp):
    params = xp.asarray([1.0 + 1.0j])
    optimizer = sam(sgd(1.0), rho=np.sqrt(2.0))
    stepped, _ = optimizer.step(params, params, optimizer.init(params), grad=lambda p: p)
    assert_close(stepped, np.asarray([-1.0 - 1.0j]))


def test_value_goes_to_the_optimizer_inside():
    optimizer = sam(polyak_sgd(), rho=1.0)
    params = np.asarray([1.0])
    stepped, _ = optimizer.step(params, params, optimizer.init(params), value=2.0, grad=lambda p: p)
    assert_close(stepped, np.asarray([0.0]))  # 1 - 2 / 2^2 * 2


@pytest.mark.parametrize(
    ("given", "got"),
    [({}, "nothing"), ({"value_and_grad": 3}, "value_and_grad=3"), ({"gradient": sgd}, "gradient")],
)
def test_function_is_needed(given, got):
    optimizer = sam(adam(0.1))
    params = np.asarray([1.0])
    with pytest.raises(ArgumentError, match=rf"sam.step\(value_and_grad\): got {got}.*Pass step"):
        optimizer.step(params, params, optimizer.init(params), **given)


def test_what_the_function_returns_is_checked():
    optimizer = sam(adam(0.1))
    params = np.asarray([1.0])
    state = optimizer.init(params)
    with pytest.raises(ArgumentError, match=r"from it; expected value and grads. A function that"):
        optimizer.step(params, params, state, value_and_grad=lambda p: p)
    with pytest.raises(ShapeError, match=r"sam.step\(grad\): got shape \(2,\)"):
        optimizer.step(params, params, state, grad=lambda p: np.zeros(2))


@pytest.mark.parametrize("keywords", [{"rho": 0.0}, {"eta": -1.0}, {"ascents": 0}])
def test_numbers_are_checked(keywords):
    (name,) = keywords
    with pytest.raises(ArgumentError, match=rf"sam\({name}\): got"):
        sam(adam(0.1), **{"adaptive": True, **keywords})


def test_second_gradient_of_half_precision_is_asked_in_half_precision(xp):
    if not hasattr(xp.module, "float16"):
        pytest.skip(f"{xp.name} has no float16")
    params = xp.asarray([1.0, 2.0], dtype=xp.module.float16)
    seen = []

    def gradient(point):
        seen.append(to_host(point))
        return point

    optimizer = sam(sgd(0.5), rho=1.0)
    stepped, _ = optimizer.step(params, params, optimizer.init(params), grad=gradient)
    assert seen[0].dtype == np.float16
    assert stepped.dtype == params.dtype


@pytest.mark.parametrize(
    "optimizer", [chain(freeze("b"), sam(sgd(0.5))), masked(sam(sgd(0.5)), "w")]
)
@pytest.mark.parametrize("given", ["grad", "value_and_grad"])
def test_hidden_leaves_are_blamed(optimizer, given):
    params = {"w": np.asarray([1.0]), "b": np.asarray(0.0)}
    function = cubes if given == "grad" else lambda p: (0.0, cubes(p))
    with pytest.raises(ArgumentError, match=rf"sam.step\({given}\): got TypeError.*put sam around"):
        optimizer.step(params, cubes(params), optimizer.init(params), **{given: function})


def test_gradients_of_leaves_that_are_hidden_are_refused():
    params = {"w": np.asarray([1.0]), "b": np.asarray(0.0)}
    optimizer = masked(sam(sgd(0.5)), "w")
    with pytest.raises(ArgumentError, match=r"None in them; expected gradients"):
        optimizer.step(params, params, optimizer.init(params), grad=lambda p: params)


def test_around_a_freeze_it_sees_all():
    params = {"w": np.asarray([1.0]), "b": np.asarray(1.0)}
    optimizer = sam(chain(freeze("b"), sgd(0.5)), rho=np.sqrt(2.0))
    stepped, _ = optimizer.step(params, cubes(params), optimizer.init(params), grad=cubes)
    assert_close(stepped, {"w": np.asarray([-3.0]), "b": np.asarray(1.0)})


def test_error_of_the_function_itself_is_its_own():
    def gradient(point):
        raise RuntimeError("no batch")

    optimizer = sam(sgd(0.5))
    params = {"w": np.asarray([1.0])}
    with pytest.raises(RuntimeError, match="no batch"):
        optimizer.step(params, params, optimizer.init(params), grad=gradient)


def test_number_without_use_is_refused():
    with pytest.raises(ArgumentError, match=r"sam\(eta\): got 0.5 without adaptive=True"):
        sam(sgd(0.5), eta=0.5)
