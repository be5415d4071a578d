"""A module imports only from lower floors, and each array library is imported in one place."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "anygrad"

# Every module or package of anygrad/, with its floor. Neighbours on a floor do not know each other.
FLOORS = {
    "errors": 0,
    "config": 0,
    "files": 0,
    "ranges": 0,
    "backends": 1,
    "trees": 2,
    "ops": 2,
    "plots": 3,
    "linear": 3,
    "tracing": 3,
    "autodiff": 4,
    "compiler": 5,
    "differences": 5,
    "checking": 6,
    "extend": 5,
    "clipping": 6,
    "schedules": 6,
    "recording": 6,
    "optimizers": 7,
    "solvers": 8,
    "testing": 7,
    "training": 9,
    "cli": 10,
}
# errors is the ground that everything stands on, its neighbours too.
GROUND = "errors"

# Where a library may be imported: inside functions of these files, nowhere else.
LIBRARIES = {
    "array_api_strict": ("backends/strict.py",),
    "cupy": ("backends/cupy.py",),
    "cupyx": ("backends/cupy.py",),
    "jax": ("backends/jax.py",),
    "torch": ("backends/torch.py",),
    "llvmlite": ("compiler/targets/llvmlite.py",),
    "mpi4py": ("distributed/mpi.py",),
    "dask": (),
    "matplotlib": ("plots/",),
    "rich": ("recording/progress.py", "cli/"),
    "sklearn": ("cli/",),
    "safetensors": ("optimizers/saving/files.py",),
    "scipy": ("backends/numpy.py", "solvers/scipy_bridge.py"),
    "pandas": (),
}
_IMPORT_BY_NAME = {"import_module", "__import__", "import_package"}


def violations(root: Path) -> list[str]:
    """One line for every import below ``root`` that breaks the rules."""
    found = []
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root).as_posix()
        for line, module, inside in imports(path.read_text(), relative):
            problem = _break_of_floors(relative, module) or _break_of_libraries(
                relative, module, inside
            )
            if problem:
                found.append(f"{relative}:{line}: {problem}")
    return found


def imports(source: str, relative: str) -> list[tuple[int, str, bool]]:
    """Line, full module name, and whether inside a function, of every import in a file."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        for module in _modules_of(node, relative):
            found.append((node.lineno, module, id(node) in inside))
    return found


def _modules_of(node: ast.AST, relative: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:  # from . import x: relative to the folder of this file
            folder = ["anygrad", *Path(relative).parent.parts]
            folder = folder[: len(folder) - node.level + 1]
            base = ".".join([*folder, *filter(None, [node.module])])
        # `from anygrad import clipping` names a module in its list
        return [f"{base}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if name in _IMPORT_BY_NAME and isinstance(node.args[0].value, str):
            return [node.args[0].value]
    return []


def _break_of_floors(relative: str, module: str) -> str | None:
    here = Path(relative).parts[0].removesuffix(".py")
    parts = module.split(".")
    if here in ("__init__", "__main__"):
        return None  # the front door sees the whole house
    if here not in FLOORS:
        return f"{here} has no floor; give it one in tests/test_layers.py"
    if parts[0] != "anygrad":
        return None
    there = parts[1] if len(parts) > 1 else ""
    if there not in FLOORS:
        if FLOORS[here] == max(FLOORS.values()):
            return None
        return f"{here} (floor {FLOORS[here]}) imports the package itself, which imports it"
    if there in (here, GROUND) or FLOORS[there] < FLOORS[here]:
        return None
    return f"{here} (floor {FLOORS[here]}) imports {there} (floor {FLOORS[there]})"


def _break_of_libraries(relative: str, module: str, inside: bool) -> str | None:
    parts = module.split(".")
    library = parts[1] if parts[0] == "array_api_compat" and len(parts) > 1 else parts[0]
    homes = LIBRARIES.get(library)
    if homes is None:
        return None
    if not any(relative == home or relative.startswith(home) for home in homes if home):
        return f"imports {library}; only {' and '.join(homes) or 'nothing here'} may"
    return None if inside else f"imports {library} at the top; do it inside a function"


def test_modules_import_only_from_lower_floors():
    assert violations(PACKAGE) == []


def test_every_floor_of_the_table_exists():
    missing = [
        name
        for name in FLOORS
        if not (PACKAGE / name).is_dir() and not (PACKAGE / f"{name}.py").is_file()
    ]
    assert missing == []


PLANTED = {
    "upward": (
        "clipping.py",
        "import numpy\nfrom anygrad import optimizers\n",
        "clipping.py:2: clipping (floor 6) imports optimizers (floor 7)",
    ),
    "neighbour": (
        "clipping.py",
        "from anygrad.schedules import cosine",
        "clipping.py:1: clipping (floor 6) imports schedules (floor 6)",
    ),
    "from a file of a package": (
        "tracing/tape.py",
        "import anygrad.autodiff.reverse",
        "tracing/tape.py:1: tracing (floor 3) imports autodiff (floor 4)",
    ),
    "relative": (
        "ops/row.py",
        "from ..tracing import tape",
        "ops/row.py:1: ops (floor 2) imports tracing (floor 3)",
    ),
    "inside a function": (
        "trees/paths.py",
        "def f():\n    import anygrad.optimizers",
        "trees/paths.py:2: trees (floor 2) imports optimizers (floor 7)",
    ),
    "the package itself": (
        "clipping.py",
        "import anygrad as ag",
        "clipping.py:1: clipping (floor 6) imports the package itself, which imports it",
    ),
    "a module without a floor": (
        "helpers.py",
        "import math",
        "helpers.py:1: helpers has no floor; give it one in tests/test_layers.py",
    ),
    "a library": (
        "clipping.py",
        "def f():\n    import cupy",
        "clipping.py:2: imports cupy; only backends/cupy.py may",
    ),
    "a library through the compatibility layer": (
        "ops/row.py",
        "def f():\n    from array_api_compat import torch",
        "ops/row.py:2: imports torch; only backends/torch.py may",
    ),
    "a library by its name": (
        "training/record.py",
        "def f():\n    return import_module('matplotlib.pyplot')",
        "training/record.py:2: imports matplotlib; only plots/ may",
    ),
    "a library at the top of its own file": (
        "backends/cupy.py",
        "import cupy",
        "backends/cupy.py:1: imports cupy at the top; do it inside a function",
    ),
}


@pytest.mark.parametrize(("file", "text", "message"), PLANTED.values(), ids=PLANTED)
def test_planted_violations_are_reported(tmp_path, file, text, message):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    assert violations(tmp_path) == [message]


def test_what_is_allowed_is_not_reported(tmp_path):
    allowed = {
        "__init__.py": "from anygrad.cli import main\n",
        "config/fields.py": "from anygrad.errors import SettingsError\nfrom . import sources\n",
        "clipping.py": "import numpy as np\nfrom anygrad import trees\nimport array_api_compat\n",
        "backends/cupy.py": "def load():\n    import cupy\n    import array_api_compat.cupy\n",
        "cli/demo.py": "from anygrad import __version__\nfrom anygrad.training import fit\n",
    }
    for file, text in allowed.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    assert violations(tmp_path) == []
