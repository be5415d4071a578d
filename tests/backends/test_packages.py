"""An optional package is imported, or the line that installs it is told from our own metadata."""

import re
import sys

import pytest

from anygrad.backends import packages
from anygrad.backends.packages import import_package, install_line, version_of
from anygrad.errors import BackendError, MissingPackageError


class Distribution:
    """What importlib.metadata tells of an installed distribution."""

    version = "1.0"

    def __init__(self, name, extras, url=""):
        self.metadata = Metadata(name, extras)
        self.url = url

    def read_text(self, name):
        return self.url or None


class Metadata(dict):
    def __init__(self, name, extras):
        super().__init__(Name=name)
        self.extras = extras

    def get_all(self, key):
        return self.extras if key == "Provides-Extra" else None


@pytest.fixture
def installed_as(monkeypatch):
    def install(distribution):
        monkeypatch.setattr(packages, "_distribution", lambda: distribution)

    return install


def test_a_package_is_imported():
    assert import_package("collections.abc", where="here") is sys.modules["collections.abc"]


def test_an_absent_package_is_named_with_the_place_and_the_line():
    with pytest.raises(
        MissingPackageError, match=r"^plots\.show: no_such_package is not"
    ) as caught:
        import_package("no_such_package.part", where="plots.show")
    assert str(caught.value).endswith("Install it with: python -m pip install no-such-package")
    assert isinstance(caught.value, ImportError)


def test_a_package_whose_import_fails_is_broken_not_absent(tmp_path, monkeypatch):
    (tmp_path / "needs_another.py").write_text("import no_such_package")
    (tmp_path / "breaks.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    for name, reason in (("needs_another", "no_such_package"), ("breaks", "ZeroDivisionError")):
        with pytest.raises(BackendError, match=rf"{name} is installed but.*{reason}") as caught:
            import_package(name, where="here")
        assert not isinstance(caught.value, ImportError)


def test_the_line_names_the_distribution_that_is_installed(installed_as):
    installed_as(Distribution("any-name", ["train", "cuda12"]))
    assert install_line("cupy", "cuda12") == 'python -m pip install "any-name[cuda12]"'


def test_the_line_names_the_folder_of_an_editable_installation(installed_as):
    installed_as(Distribution("any-name", ["train"], f'{{"url": "{packages.ROOT.as_uri()}"}}'))
    assert install_line("rich", "train") == f'python -m pip install -e "{packages.ROOT}[train]"'


def test_a_checkout_that_is_not_installed_uses_its_project_file(installed_as):
    installed_as(None)
    assert install_line("rich", "train") == f'python -m pip install -e "{packages.ROOT}[train]"'


def test_without_a_fitting_extra_the_package_itself_is_named(installed_as):
    installed_as(Distribution("any-name", []))
    assert install_line("array_api_strict", "test") == "python -m pip install array-api-strict"
    assert install_line("rich") == "python -m pip install rich"


def test_every_extra_that_a_record_names_is_declared():
    from anygrad.backends import BACKENDS

    declared = packages._project()["optional-dependencies"]
    for backend in BACKENDS.values():
        extra = backend.extra() if callable(backend.extra) else backend.extra
        assert extra is None or extra in declared


def test_the_version_comes_by_import_name():
    assert re.match(r"\d+\.\d+", version_of("numpy"))
    assert version_of("no_such_package") == ""
