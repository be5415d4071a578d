"""Options, header and fixtures of the test suite; CONTRIBUTING.md says how to use them."""

import os
import tempfile

import hypothesis
import pytest

from anygrad.compiler.targets.llvmlite import is_usable, reason_against
from anygrad.ops import ROWS
from anygrad.tracing import protocols
from tests.support import namespaces
from tests.support.newer_numpy import needed_for

# no tests there; examples in docstrings are looked for in it, and peers are run by those programs
collect_ignore_glob = ["support/*", "*/peers/*"]


def pytest_addoption(parser):
    group = parser.getgroup("anygrad")
    group.addoption(
        "--backend",
        choices=sorted(namespaces.BACKEND_OF),
        help="run the backend tests on this one only; cupy-lookalike takes CuPy's place in the "
        "process, so it runs alone",
    )
    group.addoption("--slow", action="store_true", help="run the tests marked slow too")
    group.addoption(
        "--require-gpu", action="store_true", help="fail, rather than skip, without a usable GPU"
    )
    group.addoption(
        "--kernels",
        choices=["auto", "off", "always"],
        default="auto",
        help="always: compile whatever is replayed to machine code at once",
    )


def pytest_configure(config):
    kept = os.environ.get("ANYGRAD_KERNEL_CACHE")
    for name in [name for name in os.environ if name.startswith("ANYGRAD_")]:
        del os.environ[name]  # the tests do not depend on the settings of whoever runs them
    if "PYTEST_XDIST_WORKER" not in os.environ or kept is None:
        folder = tempfile.TemporaryDirectory(prefix="anygrad-", ignore_cleanup_errors=True)
        config.add_cleanup(folder.cleanup)
        kept = folder.name
    os.environ["ANYGRAD_KERNEL_CACHE"] = kept  # one for all processes of a run
    if config.getoption("--kernels") != "auto":
        os.environ["ANYGRAD_KERNELS"] = config.getoption("--kernels")
    # kernels on a GPU are compared with CuPy's own operations, each of which rounds by itself
    os.environ["ANYGRAD_CONTRACT"] = "false"
    # two devices of JAX on the host, of which the tests use the second: results must stay there;
    # and what is compiled runs once or twice here, so that optimising it only takes time
    flags = (
        *("--xla_force_host_platform_device_count=2", "--xla_backend_optimization_level=0"),
        "--xla_llvm_disable_expensive_passes=true",
    )
    os.environ.setdefault("XLA_FLAGS", " ".join(flags))
    hypothesis.settings.register_profile(
        "anygrad",
        deadline=None,  # machines are shared
        derandomize=True,  # the same examples in every run: a red test stays red
        # the fixture xp gives the same namespace for every example
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )
    hypothesis.settings.load_profile("anygrad")
    if config.getoption("--backend") == "cupy-lookalike":
        from tests.support import lookalike_cupy

        lookalike_cupy.install()
    selected = config.getoption("--backend")
    reason = namespaces.reason_missing("cupy") if config.getoption("--require-gpu") else None
    if reason:
        raise pytest.UsageError(f"--require-gpu: {reason}")
    if selected and namespaces.reason_missing(selected):
        raise pytest.UsageError(f"--backend {selected}: {namespaces.reason_missing(selected)}")


def selected_backends(config) -> list[str]:
    selected = config.getoption("--backend")
    names = [selected] if selected else namespaces.TOGETHER
    return [name for name in names if namespaces.reason_missing(name) is None]


def pytest_report_header(config):
    names = (
        [config.getoption("--backend")] if config.getoption("--backend") else namespaces.TOGETHER
    )
    lines = [f"backend {namespaces.describe(name)}" for name in names]
    if not config.getoption("--backend"):
        lines.append("backend cupy-lookalike: runs alone, with --backend cupy-lookalike")
    why = reason_against() or ("" if is_usable() else "this processor has no fma")
    lines.append(f"kernels: {config.getoption('--kernels')}{', but ' + why if why else ''}")
    return lines


def pytest_generate_tests(metafunc):
    if "xp" not in metafunc.fixturenames:
        return
    names = selected_backends(metafunc.config)
    if metafunc.definition.get_closest_marker("off_host"):
        names = [name for name in names if name in namespaces.OFF_HOST]
    metafunc.parametrize("xp", names, indirect=True)


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow: run with --slow")
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(skip)
    for item in items:
        newer = needed_for(item.nodeid)
        if newer:
            item.add_marker(pytest.mark.skip(reason=f"it compares with what only {newer} gives"))
    kept, left = [], []
    for item in items:
        (kept if _runs_here(item, config.getoption("--backend")) else left).append(item)
    if left:
        items[:] = kept
        config.hook.pytest_deselected(items=left)


def _runs_here(item, backend: str | None) -> bool:
    """With --backend, tests that are the same for every backend are left out."""
    names = getattr(item, "fixturenames", ())
    if "lookalike" in names:
        return backend == "cupy-lookalike"
    return backend is None or "xp" in names or "cupy" in names


@pytest.fixture(autouse=True)
def forget_rules():
    """Rules that a test, or a page of the documentation, registers end with it."""
    before, ufuncs, kernels = dict(ROWS), dict(protocols.UFUNCS), dict(protocols.KERNELS)
    yield
    for table, was in ((ROWS, before), (protocols.UFUNCS, ufuncs), (protocols.KERNELS, kernels)):
        table.clear()
        table.update(was)


@pytest.fixture
def xp(request):
    """Array namespace of each backend in turn, with the test device as default."""
    return namespaces.open_namespace(request.param)


@pytest.fixture
def quick_xp(xp, request):
    """Without JAX, which compiles operations for every shape, except in slow runs."""
    if xp.name == "jax" and not request.config.getoption("--slow"):
        pytest.skip("JAX compiles every operation for every shape; runs with --slow")
    return xp


@pytest.fixture
def cupy(request):
    """CuPy itself, on a GPU or as the look-alike."""
    if not {"cupy", "cupy-lookalike"} & set(selected_backends(request.config)):
        reason = namespaces.reason_missing("cupy") or "another --backend is selected"
        pytest.skip(f"{reason}; --backend cupy-lookalike runs it without a GPU")
    import cupy

    return cupy


@pytest.fixture
def lookalike():
    """The look-alike of CuPy, never the real one; such tests run only in its own process."""
    import cupy

    assert cupy.__lookalike__
    return cupy
