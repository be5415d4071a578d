"""The public names exist, are documented, and importing them is quick."""

import ast
import importlib
import inspect
import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import anygrad

PACKAGE = Path(anygrad.__file__).parent
SUBPACKAGES = (
    *("clipping", "differences", "errors", "extend", "optimizers", "plots", "schedules"),
    *("solvers", "solvers.proximal", "testing", "training", "trees"),
)
# What the design promises, by module.
PROMISED = {
    "anygrad": """asarray check_gradients checkpoint clipping compile configure custom_jvp
        custom_vjp differences errors explain extend fit grad hessian hvp implicit_root jacobian
        jvp least_squares linearize minimize namespace optimizers plots scan schedules settings
        solvers stop_gradient testing to_numpy training trees vmap use_backend use_settings value
        value_and_grad vjp""",
    "anygrad.clipping": """Measured Scale apply_scale clip_adaptively clip_by_block_rms
        clip_by_global_norm clip_by_norm clip_by_value clip_per_example clip_scale combine_norms
        first_bad global_norm measure normalize normalize_leaves""",
    "anygrad.differences": "Estimate Flags derivative directional gradient hessian jacobian",
    "anygrad.optimizers": """Transform adagrad adam adamw apply_updates chain info rmsprop sgd""",
    "anygrad.extend": "register_elementwise register_tree",
    "anygrad.plots": """Landscape error_against_step image_grid race race_grid training_curves
        training_summary""",
    "anygrad.schedules": """Plateau Schedule constant cosine cosine_restarts cyclic exponential
        interpolated inverse_sqrt inverse_time join linear multi_step one_cycle one_cycle_momentum
        piecewise plateau plot polynomial rex step warmup warmup_cosine warmup_stable_decay""",
    "anygrad.solvers": """Result Status admm backtracking bfgs conjugate_gradient curve_fit equality
        fixed_point hager_zhang inequality lbfgs lbfgsb least_squares minimize nelder_mead newton_cg
        projected_gradient proximal proximal_gradient root scipy_functions scipy_minimize
        steepest_descent strong_wolfe trust_region""",
    "anygrad.solvers.proximal": """Proximal by_path elastic_net group_l2 indicator l1 l2 nonnegative
        nuclear project_affine project_box project_halfspace project_hyperplane project_l1_ball
        project_l2_ball project_linf_ball project_nonnegative project_simplex squared_l2
        total_variation total_variation_2d""",
    "anygrad.testing": "assert_gradients",
    "anygrad.training": "fit monitor",
    "anygrad.trees": "dot flatten leaves map norm paths register to_numpy unflatten zeros_like",
    "anygrad.errors": """AnygradError ArgumentError BackendError DTypeError EvaluationError
        GradientError HostTransferError MissingPackageError MissingRuleError MixedBackendError
        NonFiniteError RetraceWarning SettingsError ShapeError TraceError UnconvergedWarning
        UnusedInputWarning""",
}
MODULES = ["anygrad", *(f"anygrad.{name}" for name in SUBPACKAGES)]


def names_in_all(module: str) -> list[str]:
    """``__all__`` as it stands in the file, so that collecting the tests imports nothing."""
    base = PACKAGE.parent.joinpath(*module.split("."))
    file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    if not file.exists():
        return []
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


PUBLIC = [(module, name) for module in MODULES for name in names_in_all(module)]


@pytest.mark.parametrize("module", MODULES)
def test_all_is_sorted_and_without_repeats(module):
    names = list(importlib.import_module(module).__all__)
    assert names == sorted(set(names), key=in_order)


def in_order(name: str) -> tuple[int, str]:
    """The order that ruff keeps: CONSTANTS, then Classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("module", PROMISED)
def test_promised_names_are_public(module):
    found = importlib.import_module(module)
    assert [name for name in PROMISED[module].split() if not hasattr(found, name)] == []


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=[".".join(item) for item in PUBLIC])
def test_public_names_can_be_imported_and_are_documented(module, name):
    found = getattr(importlib.import_module(module), name)
    if typing.get_origin(found) is not None:
        return  # an alias of a type can't have one
    if callable(found) or inspect.ismodule(found):
        assert (inspect.getdoc(found) or "").strip(), f"{module}.{name} has no docstring"


def test_no_function_has_the_name_of_a_module():
    """`anygrad.x` would mean the function or the module, by the order of imports."""
    clashes = [
        name
        for name in anygrad.__all__
        if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()
        if not inspect.ismodule(getattr(anygrad, name))
    ]
    assert clashes == []


FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES)
def test_every_file_says_what_it_is_for(file):
    text = ast.get_docstring(ast.parse((PACKAGE / file).read_text()))
    assert text, f"{file} has no docstring"
    assert text.splitlines()[0].strip().endswith((".", ":")), f"{file}: first line is no sentence"


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="gradd"):
        anygrad.gradd  # noqa: B018
    assert set(anygrad.__all__) <= set(dir(anygrad))


def test_only_public_names_are_offered():
    offered = {name for name in dir(anygrad) if not name.startswith("__")}
    assert offered == set(anygrad.__all__)


def test_the_first_call_of_configure_knows_the_backends():
    script = """
import anygrad as ag
try:
    ag.configure(backend="cuppy")
except ag.errors.SettingsError as error:
    print(error)
"""
    assert run_alone(script).endswith("Did you mean 'cupy'?")


def run_alone(script: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parent,
        env={**os.environ, **environment},
    )
    return done.stdout.strip()


def test_importing_takes_no_optional_library():
    """Neither the package nor its transformations need more than the three required libraries."""
    script = """
import sys, anygrad as ag
for name in ag.__all__:
    getattr(ag, name)
optional = {"cupy", "torch", "jax", "matplotlib", "rich", "sklearn", "scipy", "safetensors",
            "llvmlite", "array_api_strict"}
print(sorted(optional & set(sys.modules)))
"""
    assert run_alone(script) == "[]"


def test_importing_is_quick(tmp_path):
    """Processor time above NumPy's own import, the smallest of three: machines are shared.

    The first of them compiles: bytecode is cached, as it is wherever a package is installed.
    """
    cached = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    script = """
import time, numpy
start = time.process_time()
import anygrad
anygrad.grad
print(time.process_time() - start)
"""
    assert min(float(run_alone(script, **cached)) for _ in range(3)) < 0.3
