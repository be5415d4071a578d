"""Unknown commands, exit statuses, pipes, interrupts, completion, benchmarks of a minute."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from anygrad import cli
from anygrad.cli import COMMANDS, SUMMARIES, build_parser, main


def run(*arguments, **keywords):
    return subprocess.run(
        [sys.executable, "-m", "anygrad", *arguments], capture_output=True, text=True, **keywords
    )


def test_an_unknown_command_is_named_with_the_nearest(capsys):
    assert main(["inof"]) == 2
    said = capsys.readouterr().err
    assert "got 'inof'" in said
    assert "Did you mean 'info'" in said


def test_a_wrong_option_is_a_wrong_command_line(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["info", "--bakcend"])
    assert ended.value.code == 2


def test_every_command_has_a_summary_and_help(capsys):
    assert set(COMMANDS) == set(SUMMARIES)
    for name in COMMANDS:
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
        assert SUMMARIES[name] in capsys.readouterr().out


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "commands" in capsys.readouterr().out


def test_only_the_command_asked_for_is_imported():
    program = (
        "import sys; from anygrad.cli import build_parser; build_parser(['info']);"
        "print([m for m in sys.modules if m.startswith('anygrad.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "['anygrad.cli.info']"


def test_an_interrupt_ends_with_130(capsys, monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    from anygrad.cli import info

    monkeypatch.setattr(info, "run", interrupted)
    assert main(["info"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_closed_pipe_is_no_traceback():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.Popen(
        [sys.executable, "-m", "anygrad", "info"], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    _, said = done.communicate(timeout=60)
    assert done.returncode == 141
    assert said == ""


def test_output_that_is_no_terminal_is_plain():
    done = run("info")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\r" not in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_scripts_know_commands_options_and_backends(shell, capsys):
    pytest.importorskip("shtab", reason="shtab is not installed")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*COMMANDS, "--backend", "--epochs", "cupy"):
        assert word in script


def test_bash_completes(tmp_path, capsys):
    pytest.importorskip("shtab", reason="shtab is not installed")
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)

    def complete(*words):
        listed = " ".join(words)
        program = (
            f"source {script}; COMP_WORDS=(anygrad {listed}); COMP_CWORD={len(words)};"
            "function=$(complete -p anygrad | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
            '$function; echo "${COMPREPLY[@]}"'
        )
        done = subprocess.run([bash, "-c", program], capture_output=True, text=True)
        return done.stdout.split()

    assert complete("in") == ["info"]
    assert "--epochs" in complete("demo", "--e")
    assert complete("demo", "--backend", "cu") == ["cupy"]


def test_completion_without_shtab_says_how_to_install_it(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    said = capsys.readouterr().err
    assert "shtab is not installed" in said
    assert "pip install" in said


def test_a_small_benchmark_runs_and_is_written(tmp_path, capsys):
    target = tmp_path / "figures.json"
    assert main(["bench", "--small", "--rounds", "1", "--json", str(target)]) == 0
    found = json.loads(target.read_text())
    assert len(found["contests"]) == 4
    for contest in found["contests"]:
        last = contest["contestants"][-1]
        assert last["name"] == contest["yardstick"]
        assert last["ratio"] == pytest.approx(1.0 / contest["share"])
        for contestant in contest["contestants"]:
            assert len(contestant["seconds"]) == 1
    assert "medians" in capsys.readouterr().out


def test_bench_refuses_no_rounds(capsys):
    assert main(["bench", "--rounds", "0"]) == 1
    assert "--rounds" in capsys.readouterr().err


def test_the_parser_of_all_commands_can_be_built():
    assert build_parser(list(COMMANDS)).prog == "anygrad"
    assert cli.WRONG_LINE == 2
