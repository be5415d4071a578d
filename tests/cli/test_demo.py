import argparse
import os
import subprocess
import sys

import numpy as np
import pytest

from anygrad.cli import demo, main
from anygrad.errors import AnygradError, BackendError
from tests.support import assert_close, reason_missing, to_host

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")


def parse(*arguments):
    parser = argparse.ArgumentParser()
    demo.configure(parser)
    return parser.parse_args(arguments)


def test_the_split_is_fixed_and_loses_no_image():
    training, test = demo.load_digits()
    assert training["image"].shape == (1437, 64)
    assert test["label"].shape == (360, 10)
    assert float(np.max(training["image"])) == 1.0
    assert_close(np.sum(training["label"], axis=1), np.ones(1437))
    again, _ = demo.load_digits()
    np.testing.assert_array_equal(again["image"], training["image"])


def test_the_loss_is_the_cross_entropy(xp):
    rng = np.random.default_rng(0)
    params = [
        {"weight": xp.asarray(rng.random((64, 8))), "bias": xp.asarray(rng.random(8))},
        {"weight": xp.asarray(rng.random((8, 10))), "bias": xp.asarray(rng.random(10))},
    ]
    image, labels = rng.random((5, 64)), rng.integers(0, 10, 5)
    batch = {"image": xp.asarray(image), "label": xp.asarray(np.eye(10)[labels])}
    first, second = ({k: to_host(v) for k, v in layer.items()} for layer in params)
    logits = np.maximum(image @ first["weight"] + first["bias"], 0) @ second["weight"]
    logits = logits + second["bias"]
    probabilities = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    assert_close(demo.loss(params, batch), -np.mean(np.log(probabilities[range(5), labels])))
    assert_close(demo.accuracy(params, batch), float(np.mean(np.argmax(logits, axis=1) == labels)))


def test_an_epoch_trains_and_draws(xp, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "CHECKED", 10)
    monkeypatch.setattr(demo, "HIDDEN", 8)
    monkeypatch.setattr(demo, "SHOWN", 3)
    monkeypatch.setenv("ANYGRAD_PROGRESS", "on")
    picture = tmp_path / "digits.png"
    options = ["--backend", xp.backend, "--epochs", "1", "--output", str(picture)]
    assert demo.run(parse(*options)) == 0
    out, err = capsys.readouterr()
    assert "gradient: agrees with numerical differences" in out
    assert "23 steps" in out
    assert f"{xp.backend} on " in out
    assert out.splitlines()[-1].startswith("test accuracy 0.")
    for part in ("loss", "accuracy", "gradient norm", "learning rate"):
        assert part in err
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_wrong_gradient_ends_the_demo(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(demo, "gradient_is_right", lambda params, training: False)
    picture = tmp_path / "digits.png"
    assert demo.run(parse("--epochs", "1", "--output", str(picture))) == 1
    assert not picture.exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_whole_demo_reaches_97_percent(seed, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "anygrad", "demo", "--seed", str(seed)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    words = done.stdout.splitlines()[-1].split()
    assert words[:2] == ["test", "accuracy"]
    assert float(words[2]) >= 0.97
    assert (tmp_path / "digits.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "0"], "--epochs"),
        (["--seed", "-1"], "--seed"),
        (["--backend", "cuppy"], "cupy"),
        (["--output", "no/such/folder/digits.png"], "--output"),
    ],
)
def test_wrong_options_are_a_sentence(arguments, words):
    with pytest.raises(AnygradError, match=words):
        demo.run(parse(*arguments))


@pytest.mark.skipif(reason_missing("cupy") is None, reason="there is a GPU")
def test_without_a_gpu_the_command_fails_with_a_sentence(capsys):
    with pytest.raises(BackendError):
        demo.run(parse("--backend", "cupy"))
    assert main(["demo", "--backend", "cupy"]) == 1
    assert capsys.readouterr().err.startswith("anygrad demo: ")


def test_a_missing_package_says_how_to_install_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert main(["demo"]) == 1
    assert "pip install" in capsys.readouterr().err
