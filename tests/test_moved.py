"""Old modules and names keep working, and warn with their successors."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from vaezoo.moved import MADE, MODULES, NAMES, RENAMED, former
from vaezoo.train.recipe import DataRecipe


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


@pytest.mark.filterwarnings("ignore:vaezoo.* is vaezoo.* now:DeprecationWarning")
@pytest.mark.parametrize(("module", "name"), [(module, name) for module in MADE for name in MADE[module]])
def test_a_former_constant_warns_where_it_is_used_and_names_its_successor(module: str, name: str) -> None:
    old = import_module(module)
    with pytest.warns(
        DeprecationWarning, match=f"^{re.escape(f'{module}.{name} is {MADE[module][name][0]} now')}$"
    ) as told:
        getattr(old, name)
    assert [each.filename for each in told if name in str(each.message)] == [__file__]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_former_constants_hold_what_they_held() -> None:
    def old(module: str, name: str) -> Any:
        return getattr(import_module(f"vaezoo.{module}"), name)

    house = {"photo", "camera", "saved", "jpeg", "downscale", "reduce", "reduce-photo", "lowlight", "blur", "recorrupt"}
    assert house <= set(old("train.recipe", "DAMAGES"))
    assert set(old("train.recipe", "REDUCTIONS")) == {"reduce", "reduce-photo"}
    tasks = {"jpeg": "dejpeg", "saved": "dejpeg", "downscale": "sr", "reduce": "sr", "reduce-photo": "sr"}
    assert old("train.purpose", "TASKS").items() >= {**tasks, "lowlight": "lowlight", "blur": "blind-deblur"}.items()
    assert "photo" not in old("train.purpose", "TASKS")
    metrics = old("evaluate.measure", "METRICS")
    assert {"elbo", "psnr", "mig"} <= set(metrics) and all(type(each).__name__ == "Metric" for each in metrics.values())
    assert old("train.update", "HIDDEN") == 32 and old("train.data", "RECORRUPTION") == (0.3, 1.0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_former_functions_of_damages_draw_what_they_drew() -> None:
    damage_of = import_module("vaezoo.train.damage").damage_of
    draws = import_module("vaezoo.train.photos").DRAWS
    region = np.random.default_rng(0).integers(256, size=(24, 24, 3), dtype=np.uint8)
    margin, draw = damage_of(DataRecipe(patch=16, damage="jpeg"))
    values, (top, left) = draw(region, np.random.default_rng(0))
    assert margin == 8 and values.shape == region.shape and 0 <= top <= 8 and 0 <= left <= 8
    assert damage_of(DataRecipe()) is damage_of(DataRecipe(patch=16, damage="photo")) is None
    y, x, _ = draws["saved"](lambda side: region[:16, :16], 16, np.random.default_rng(0), DataRecipe(patch=16))
    assert set(draws) >= {"photo", "camera", "saved"} and y.shape == x.shape == (1, 3, 16, 16)
