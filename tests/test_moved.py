"""Old modules and names keep working, and warn with their successors."""

from __future__ import annotations

import sys
from importlib import import_module

import pytest

from vaezoo.moved import MODULES, NAMES, RENAMED, former


@pytest.mark.parametrize("old", MODULES)
def test_an_old_module_has_the_names_of_the_new_ones(old: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, old, raising=False)
    with pytest.warns(DeprecationWarning, match=f"^{old} is "):
        module = import_module(old)
    for home in MODULES[old].split():
        new = import_module(home)
        public = [name for name, value in vars(new).items() if getattr(value, "__module__", "") == home]
        assert public and all(getattr(module, name) is vars(new)[name] for name in public)
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing


@pytest.mark.parametrize(("package", "name"), [(package, name) for package in NAMES for name in NAMES[package]])
def test_an_old_name_is_the_new_one(package: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(import_module(package)), name, raising=False)  # where its old module was imported before
    with pytest.warns(DeprecationWarning, match=f"^{package}.{name} is "):
        found = getattr(import_module(package), name)
    assert found is getattr(import_module(NAMES[package][name]), RENAMED.get(name, name))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_old_module_does_not_hide_the_function_of_its_name() -> None:
    import_module("vaezoo.zoo.keeper")
    from vaezoo.host.manager import current_zoo
    from vaezoo.zoo import keeper as old

    assert old() is current_zoo()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_old_name_of_an_old_module_is_the_new_one() -> None:
    from vaezoo.host.keeper import Keeper

    from vaezoo.host.manager import Zoo

    assert Keeper is Zoo


def test_a_name_that_never_was() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        former("vaezoo.zoo", "nothing")
