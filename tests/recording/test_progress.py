import builtins
import sys

import pytest

import anygrad as ag
from anygrad.errors import ArgumentError
from anygrad.recording.progress import Bar, Lines, Silence, make_display, resolve, short

SUMMARY = {"loss": 0.5, "accuracy": 0.75, "learning_rate": 1e-3, "gradient_norm": 12.0}


class Terminal:
    """A stderr that says it is a terminal and keeps what is written."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return True


@pytest.fixture
def open_terminal(monkeypatch):
    """Put a terminal in the place of stderr; pytest has its own there until the test runs."""

    def put(columns):
        made = Terminal()
        monkeypatch.setattr(sys, "stderr", made)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", str(columns))
        return made

    return put


def run(display, points=4, steps=10):
    with display:
        for point in range(points):
            display.advance((point + 1) * steps)
            display.log((point + 1) * steps, point, SUMMARY)


def test_plain_lines_tell_everything(capsys):
    run(make_display("on", total=40, epochs=4, log_every=10))
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 4
    for part in ("epoch 2/4", "step 20/40", "loss 0.5000", "accuracy 0.7500"):
        assert part in lines[1]
    for part in ("learning rate 1.0e-03", "gradient norm 12.0000", " s left"):
        assert part in lines[1]
    assert lines[3].endswith("done")


def test_auto_prints_about_twenty_lines(capsys):
    run(make_display("auto", total=1000, epochs=100, log_every=10), points=100)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert "step 1000/1000" in lines[-1]


def test_an_unknown_end_is_no_obstacle(capsys):
    run(make_display("on", total=None, epochs=None, log_every=10))
    assert "epoch 1  step 10  loss" in capsys.readouterr().err


def test_off_is_silent(capsys):
    display = make_display("off", total=40, epochs=4, log_every=10)
    run(display)
    display.say("nothing")
    assert isinstance(display, Silence)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(open_terminal):
    pytest.importorskip("rich")
    terminal = open_terminal(150)
    display = make_display("auto", total=40, epochs=4, log_every=10)
    assert isinstance(display, Bar)
    run(display)
    display.say("a sentence with [brackets]")
    for part in ("epoch 4/4", "loss 0.5000", "accuracy 0.7500", "gradient norm 12.0000", "left"):
        assert part in terminal.text
    assert "a sentence with [brackets]" in terminal.text


def test_a_narrow_terminal_gets_short_names(open_terminal):
    pytest.importorskip("rich")
    terminal = open_terminal(80)
    run(make_display("auto", total=40, epochs=4, log_every=10))
    for part in ("|g| 12.0000", "rate 1.0e-03", "left"):
        assert part in terminal.text


def test_a_terminal_without_rich_gets_lines(open_terminal, monkeypatch):
    terminal = open_terminal(150)
    whole = builtins.__import__

    def without_rich(name, *args, **keywords):
        if name.split(".")[0] == "rich":
            raise ModuleNotFoundError(name, name="rich")
        return whole(name, *args, **keywords)

    monkeypatch.setattr(builtins, "__import__", without_rich)
    display = make_display("auto", total=40, epochs=4, log_every=10)
    assert isinstance(display, Lines)
    run(display)
    assert "step 40/40" in terminal.text


def test_the_setting_decides_where_nothing_is_said():
    with ag.use_settings(progress="off"):
        assert resolve(None) == "off"
        assert resolve("on") == "on"
    assert (resolve(True), resolve(False)) == ("on", "off")
    with pytest.raises(ArgumentError, match="'loud'"):
        resolve("loud")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (0.5, "0.5000"), (-12.25, "-12.2500"), (1e-3, "1.0e-03"), (2e4, "2.0e+04")],
)
def test_numbers_are_short(value, text):
    assert short(value) == text


def test_numbers_that_are_none_are_shown():
    assert short(float("nan")).strip() == "nan"
    assert short(float("inf")).strip() == "inf"
