"""NVIDIA's compiler takes the texts of all kernels, which needs no GPU and no driver.

Texts are made in a process of its own, where the look-alike is in CuPy's place; here the real CuPy
compiles them as a launch would.
"""

import functools
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.nvrtc import compile_text, reason_no_nvrtc

ROOT = Path(__file__).parents[3]
PARTS = {"operations": 32, "clips": 32, "optimizers": 64, "corpus": 24}
"""In how many tests the texts of each part are compiled."""
QUICK = {"operations": 120, "corpus": 250}
"""How many texts of these are compiled in quick runs; all of the others are."""
WAYS = [(arch, options) for arch in ("80", "90") for options in (("--fmad=false",), ())]
STANDARD = "--std=c++17"
REFUSED = r"DTypeError: clip_by_value\(grads\): got .* dtype complex"


@pytest.fixture(scope="session")
def texts_of(tmp_path_factory):
    """What a part launches, by case; made once a run."""
    why = reason_no_nvrtc()
    if why:
        pytest.skip(why)
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if folder.name.startswith("popen-") else folder

    @functools.cache
    def made(part):
        path = folder / f"texts-{part}.json"
        if not path.exists():
            own = tmp_path_factory.mktemp("texts") / "texts.json"
            command = [sys.executable, "-W", "ignore", "-m", "tests.compiler.cuda.texts", part]
            subprocess.run([*command, str(own)], cwd=ROOT, check=True, capture_output=True)
            own.replace(path)
        return json.loads(path.read_text(encoding="utf-8"))

    return made


def distinct(cases):
    """The texts, each once, with the first case that has it; their order follows from them."""
    found = {}
    for name, case in cases.items():
        for text in case["texts"]:
            found.setdefault(text, name)
    number = lambda text: hashlib.sha256(text.encode()).hexdigest()
    return sorted(found.items(), key=lambda item: number(item[0]))


def chunks():
    return [(part, k) for part, count in PARTS.items() for k in range(count)]


@pytest.mark.parametrize(("part", "k"), chunks())
def test_texts_compile(texts_of, part, k, request):
    """For one architecture and set of options each in quick runs, for all in slow ones."""
    slow = request.config.getoption("--slow")
    texts = distinct(texts_of(part))
    texts = texts if slow else texts[: QUICK.get(part)]
    for place in range(k, len(texts), PARTS[part]):
        text, name = texts[place]
        for arch, options in WAYS if slow else [WAYS[place % len(WAYS)]]:
            try:
                assert compile_text(text, arch, (STANDARD, *options))
            except Exception as error:
                pytest.fail(f"{name}, sm_{arch}: {error}\n{text}")


@pytest.mark.parametrize("part", ["clips", "optimizers"])
def test_every_step_has_its_kernels(texts_of, part):
    """Every optimizer and clip in every type that it takes; nothing is left by a failure."""
    cases = texts_of(part)
    assert len(cases) > 300
    failed = {k: case["why"] for k, case in cases.items() if case["why"]}
    assert {k: why for k, why in failed.items() if not re.match(REFUSED, why)} == {}
    # polyak_sgd is given a value, and stays as it is
    without = {k.split()[0] for k, case in cases.items() if not (case["texts"] or case["why"])}
    assert without <= {"polyak_sgd"}


def test_the_corpus_is_large_enough(texts_of):
    assert len(distinct(texts_of("corpus"))) >= 200
    assert not [k for k, case in texts_of("corpus").items() if "no kernel" in case["why"]]


def intermediate(text, *options):
    """The text in NVIDIA's intermediate language."""
    from cupy.cuda import compiler

    program = compiler._NVRTCProgram(text, "kernel.cu", method="ptx")
    found = program.compile((STANDARD, *options, "-ftz=true", "-arch=compute_90"))[0]
    return found.decode() if isinstance(found, bytes) else found


@pytest.mark.parametrize("way", ["leaf", "leaves"])
def test_adam_in_single_precision_has_no_double_arithmetic(texts_of, way):
    """Only numbers of the host are doubles, and they are rounded at once."""
    texts = texts_of("optimizers")[f"adam float32 {way}"]["texts"]
    assert texts
    for text in texts:
        found = re.findall(r"\b([a-z]+(?:\.[a-z0-9]+)*\.f64)\b", intermediate(text))
        arithmetic = {x for x in found if not x.startswith(("ld.", "mov.", "cvt."))}
        assert arithmetic == set()


def test_operations_are_contracted_only_where_it_is_asked_for(texts_of):
    (text, *_) = texts_of("optimizers")["adam float32 leaf"]["texts"]
    count = lambda ptx: len(re.findall(r"\bfma\.rn\.(?:ftz\.)?f32\b", ptx))
    # division and square root are made of fma on a GPU, which they are with both
    assert count(intermediate(text, "--fmad=false")) < count(intermediate(text))
    assert "mul.rn" in intermediate(text, "--fmad=false")
