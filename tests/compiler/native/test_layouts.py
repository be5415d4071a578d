"""What is not where it is expected is noticed."""

import pytest

from anygrad.compiler.targets.native import layouts


@pytest.mark.parametrize("name", layouts.LAYOUT)
def test_another_layout_is_noticed(monkeypatch, name):
    assert layouts.is_as_expected()
    moved = {**layouts.LAYOUT, name: layouts.LAYOUT[name] - (1 if name.endswith("order") else 8)}
    monkeypatch.setattr(layouts, "LAYOUT", moved)
    assert not layouts.is_as_expected()


def test_a_python_without_the_lock_is_not_the_one(monkeypatch):
    monkeypatch.setattr(layouts.sysconfig, "get_config_var", lambda name: 1)
    assert not layouts.is_as_expected()
