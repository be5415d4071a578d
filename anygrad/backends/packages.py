"""Optional packages: import one, or say which line installs it.

The line is built from the metadata of the distribution that anygrad came in, so a renamed
distribution or extra cannot leave a wrong line behind in a message.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from anygrad.errors import BackendError, MissingPackageError

if TYPE_CHECKING:  # costs 25 ms, and only messages need it
    from importlib import metadata

__all__ = ["import_package", "install_line", "version_of"]

IMPORT_NAME = __name__.split(".")[0]
ROOT = Path(__file__).resolve().parents[2]


def import_package(package: str, *, where: str, extra: str | None = None) -> ModuleType:
    """Import an optional package by name.

    Parameters
    ----------
    package : str
        The module, ``"matplotlib.pyplot"``.
    where : str
        The public name that needs it, for the message.
    extra : str, optional
        The extra of anygrad's distribution that installs it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingPackageError
        If the package is not installed; the message has the install line.
    BackendError
        If the package is installed and its import fails.

    Examples
    --------
    >>> from anygrad.backends.packages import import_package
    >>> import_package("math", where="here").sqrt(4.0)
    2.0
    """
    top = package.split(".")[0]
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == top:
            message = f"{where}: {top} is not installed. {install_advice(top, extra)}"
            raise MissingPackageError(message) from error
        failure: Exception = error
    except (
        Exception
    ) as error:  # a broken installation fails with whatever its author did not expect
        failure = error
    message = (
        f"{where}: {top} is installed but its import fails with "
        f"{type(failure).__name__}: {failure}. Reinstall it. {install_advice(top, extra)}"
    )
    raise BackendError(message) from failure


def install_advice(package: str, extra: str | None) -> str:
    """Word the install line as the sentence that ends a message."""
    return f"Install it with: {install_line(package, extra)}"


def install_line(package: str, extra: str | None = None) -> str:
    """Build the shell line that installs an optional package.

    Parameters
    ----------
    package : str
        The package's import name, for a copy of anygrad without metadata.
    extra : str, optional
        The extra of anygrad's distribution that installs it.

    Returns
    -------
    str
        ``python -m pip install "<distribution>[<extra>]"``, with the path of the checkout in place
        of the distribution where anygrad runs from one; the package alone if nothing is known.
    """
    distribution = _distribution()
    if extra is None:
        return f"python -m pip install {package.replace('_', '-')}"
    if distribution is not None and _declares(
        distribution.metadata.get_all("Provides-Extra"), extra
    ):
        from_checkout = _is_checkout(distribution)
        source = str(ROOT) if from_checkout else distribution.metadata["Name"]
        editable = "-e " if from_checkout else ""
        return f'python -m pip install {editable}"{source}[{extra}]"'
    if distribution is None and extra in _project().get("optional-dependencies", {}):
        return f'python -m pip install -e "{ROOT}[{extra}]"'
    return f"python -m pip install {package.replace('_', '-')}"


def version_of(package: str) -> str:
    """Tell the installed version of a package by its import name, without importing it.

    Parameters
    ----------
    package : str
        The import name.

    Returns
    -------
    str
        The version, or ``""`` if no distribution provides the package.
    """
    from importlib import metadata

    for name in (package, *_providers().get(package, ())):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


@cache
def _providers() -> dict[str, list[str]]:
    from importlib import metadata

    return dict(metadata.packages_distributions())


@cache
def _distribution() -> metadata.Distribution | None:
    from importlib import metadata

    for name in _providers().get(IMPORT_NAME, ()):
        distribution = metadata.distribution(name)
        if _holds_this_package(distribution):
            return distribution
    # an editable installation lists no packages; its direct_url.json names the folder
    return next((found for found in _editable_distributions() if _is_checkout(found)), None)


def _editable_distributions() -> Iterator[metadata.Distribution]:
    from importlib import metadata

    for distribution in metadata.distributions():
        if distribution.read_text("direct_url.json"):
            yield distribution


def _holds_this_package(distribution: metadata.Distribution) -> bool:
    """Whether the files are these; another project has the same import name."""
    return _is_checkout(distribution) or Path(
        str(distribution.locate_file(IMPORT_NAME))
    ).resolve() == ROOT.joinpath(IMPORT_NAME)


def _is_checkout(distribution: metadata.Distribution) -> bool:
    return ROOT.as_uri() in (distribution.read_text("direct_url.json") or "")


def _declares(extras: list[str] | None, extra: str) -> bool:
    return extra in (extras or [])


@cache
def _project() -> dict:
    """Read the [project] table of the checkout that this copy runs from; empty outside one."""
    import tomllib

    try:
        with (ROOT / "pyproject.toml").open("rb") as file:
            table = tomllib.load(file).get("project", {})
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    return table if isinstance(table, dict) else {}
