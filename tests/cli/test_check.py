"""``anygrad check`` tells right from wrong, of an installation and of a user's function."""

import json

import numpy as np
import pytest

import anygrad as ag
from anygrad.cli import check, main

MODEL = """
import numpy as np
import anygrad as ag

def loss(x):
    return np.sum(np.sin(x) * x)

def two(x, y):
    return np.sum(x * y) ** 2

def lost(x):  # the gradient is lost on purpose
    return np.sum(x * ag.stop_gradient(x))

def jumping(x):
    return np.sum(np.floor(x) + 0.0 * x)

def failing(x):
    raise ZeroDivisionError("the user's own")

number = 3
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    return tmp_path


def test_this_installation_is_right_on_numpy(capsys):
    assert main(["check", "--backend", "numpy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(check.ROUTINES) + 1
    assert all(" ok " in line for line in lines[:-1])
    assert lines[-1] == "all right"


def test_a_wrong_routine_fails(capsys, monkeypatch, tmp_path):
    wrong = {"wrong": lambda make: make(np.ones(2) * (1 + 1e-9 * (make is not np.asarray)))}
    monkeypatch.setattr(check, "ROUTINES", wrong)
    target = tmp_path / "found.json"
    assert main(["check", "--backend", "numpy", "--json", str(target)]) == 1
    assert "WRONG" in capsys.readouterr().out
    (row,) = json.loads(target.read_text())
    assert row["ok"] is False


def test_a_routine_that_raises_is_shown_and_the_others_go_on(capsys, monkeypatch):
    def raising(make):
        raise ValueError("planted")

    right = check.ROUTINES["gradient"]
    monkeypatch.setattr(check, "ROUTINES", {"raising": raising, "gradient": right})
    assert main(["check", "--backend", "numpy"]) == 1
    first, second, _ = capsys.readouterr().out.splitlines()
    assert "ValueError: planted" in first
    assert " ok " in second


def test_an_unknown_backend_is_named_with_the_nearest(capsys):
    assert main(["check", "--backend", "cuppy"]) == 1
    assert "Did you mean 'cupy'" in capsys.readouterr().err


def test_a_right_gradient_passes(model, capsys):
    assert main(["check", "model.py:loss", "--shape", "3,4"]) == 0
    assert "12" in capsys.readouterr().out
    assert main(["check", "model.py:two", "--shape", "3", "--shape", "3"]) == 0


def test_a_wrong_gradient_fails(model, capsys):
    target = model / "found.json"
    assert main(["check", "model.py:lost", "--shape", "3", "--json", str(target)]) == 1
    found = json.loads(target.read_text())
    assert (found["ok"], found["verdict"], found["cause"]) == (False, "wrong", "wrong rule")
    assert found["worst"].startswith("x[")
    assert "stop_gradient" in found["report"]


def test_options_reach_the_checker(model, capsys):
    pytest.importorskip("matplotlib")
    command = ["check", "model.py:loss", "--shape", "3,4", "--order", "2", "--directions", "3"]
    assert main([*command, "--plot", "error.svg"]) == 0
    shown = capsys.readouterr().out
    assert "in the 3 directions" in shown
    assert "Second derivatives agree in 36 elements" in shown
    assert "picture: error.svg" in shown
    assert (model / "error.svg").read_bytes().startswith(b"<?xml")
    np.save(model / "whole.npy", np.ones(3))
    assert main(["check", "model.py:jumping", "--at", "whole.npy"]) == 1
    assert "inconclusive" in capsys.readouterr().out


def test_points_come_from_files(model):
    np.save(model / "x.npy", np.ones(3))
    np.savez(model / "xy.npz", x=np.ones(3), y=np.arange(3.0))
    (model / "xy.json").write_text("[[1.0, 2.0], [3.0, 4.0]]")
    assert main(["check", "model.py:loss", "--at", "x.npy"]) == 0
    assert main(["check", "model.py:two", "--at", "xy.npz"]) == 0
    assert main(["check", "model.py:two", "--at", "xy.json"]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model.py"], "expected file.py:name"),
        (["gone.py:loss", "--shape", "3"], "gone.py cannot be imported"),
        (["model.py:losss", "--shape", "3"], "Did you mean 'loss'"),
        (["model.py:number", "--shape", "3"], "no function 'number'"),
        (["model.py:loss"], "both or neither"),
        (["model.py:loss", "--shape", "3,x"], "expected lengths, as 3,4"),
        (["model.py:loss", "--shape", "0"], "at least 1"),
        (["model.py:loss", "--at", "gone.npy"], "cannot be read"),
        (["model.py:failing", "--shape", "3"], "ZeroDivisionError"),
        (["--shape", "3"], "without a function"),
        (["--order", "2"], "without a function"),
        (["model.py:loss", "--shape", "3", "--directions", "0"], "check_gradients(directions)"),
        (["model.py:loss", "--shape", "3", "--plot", "gone/x.png"], "cannot be written"),
        (["model.py:loss", "--shape", "3", "--json", "gone/x.json"], "cannot be written"),
    ],
)
def test_what_cannot_be_checked_is_said(model, capsys, arguments, words):
    assert main(["check", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_the_function_gets_arrays_of_the_backend(model):
    (model / "kinds.py").write_text(
        "import anygrad as ag\nseen = []\n"
        "def f(x):\n    seen.append(type(ag.value(x)).__module__)\n"
        "    return ag.namespace(x).sum(x * x)\n"
    )
    pytest.importorskip("torch", reason="PyTorch is not installed")
    assert main(["check", "kinds.py:f", "--shape", "2", "--backend", "torch"]) == 0
    import sys

    seen = set(sys.modules["kinds"].seen)
    assert "torch" in seen
    assert "numpy" not in seen  # the others are torch's in a batch


def test_nothing_of_the_library_is_left_changed():
    assert not hasattr(ag, "namespace_of_backend")
