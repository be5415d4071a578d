"""Solvers read the device once for each evaluation of f, whatever the method wants to know."""

import pytest

import anygrad as ag
from anygrad.solvers.methods import METHODS
from tests.solvers.problems import PROBLEMS
from tests.support import host_copies, strict_device

# reads besides those of the evaluations; cg takes the length of its first step from the size of x
MORE = {"bfgs": 0, "cg": 1, "lbfgs": 0, "steepest-descent": 0}
PROBLEM = next(p for p in PROBLEMS if p.name == "extended-rosenbrock")


@pytest.fixture
def reads(monkeypatch):
    """Every copy to the host that is made, as the stand-in names it."""
    seen = []

    def note(what, *, explicit=False, depth=1):
        seen.append(what)
        host_copies.note_host_copy(what, explicit=explicit, depth=depth + 1)

    monkeypatch.setattr(strict_device, "note_host_copy", note)
    try:
        from tests.support.lookalike_cupy import arrays
    except ImportError:  # another process runs the look-alike
        return seen
    monkeypatch.setattr(arrays, "note_host_copy", note)
    return seen


def start(xp):
    return xp.asarray(PROBLEM.start)


@pytest.mark.off_host
@pytest.mark.parametrize("method", MORE)
def test_the_device_is_read_once_an_evaluation(xp, reads, method):
    del reads[:]
    result = ag.minimize(PROBLEM.f, start(xp), method=method, max_steps=20)
    assert result.nit >= 5
    assert len(reads) == result.nfev + MORE[method]


@pytest.mark.off_host
def test_the_reads_counted_are_all_there_are(xp, reads):
    """The counter sees an explicit copy."""
    before = len(reads)
    ag.to_numpy(start(xp))
    assert len(reads) == before + 1


@pytest.mark.off_host
@pytest.mark.parametrize("method", sorted(METHODS))
def test_no_method_reads_in_silence(xp, method):
    # the stand-ins refuse every copy that is not asked for by a backend
    ag.minimize(PROBLEM.f, start(xp), method=method, max_steps=5)


@pytest.mark.off_host
def test_the_result_is_not_read(xp, reads):
    result = ag.minimize(PROBLEM.f, start(xp), method="lbfgs", max_steps=3, record="x")
    count = len(reads)
    assert count == result.nfev
    assert result["history"]["fun"].shape == (4,)
    assert len(reads) == count  # the history is on the host already
