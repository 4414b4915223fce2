"""Damages, optimizers and schedules with settings of their own: declared, set from a recipe, refused, shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

import vaezoo
from vaezoo.cli.listing import info
from vaezoo.errors import ConfigError, PartMismatch, PluginError
from vaezoo.host.kinds import chosen
from vaezoo.registry.registry import Registry
from vaezoo.testing.declared import check_declared
from vaezoo.train.damages import Damage, PairDamage
from vaezoo.train.damages.damage import damage_of
from vaezoo.train.optimizers import make_optimizers
from vaezoo.train.recipe import DataRecipe, OptimizerRecipe, load_recipe, recipe_dict, recipe_hash
from vaezoo.train.schedule import learning_rate


@dataclass(frozen=True)
class DustConfig:
    """Settings of dust."""

    amount: float = 0.25
    """Share of pixels that turn white. It is drawn for each patch."""
    colours: tuple[float, ...] = (1.0,)
    """Grey levels of the specks."""

    def __post_init__(self) -> None:
        if self.amount > 9:
            raise ValueError("a fault of its own")
        if not 0 <= self.amount <= 1:
            raise ConfigError("Expected the amount of dust within 0 and 1.", value=self.amount)


def dust(patch: np.ndarray, rng: np.random.Generator, config: DustConfig) -> np.ndarray:
    specks = rng.random((*patch.shape[:2], 1)) < config.amount
    return np.where(specks, config.colours[0], patch / 255).astype(np.float32)


class Shift(Damage):
    """Moves a patch by some pixels."""

    config: ShiftConfig

    @property
    def margin(self) -> int:
        return self.config.pixels

    def spoil(self, region: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int]]:
        return np.roll(region, -self.config.pixels, axis=0) / np.float32(255), (0, 0)


@dataclass(frozen=True)
class ShiftConfig:
    pixels: int = 1
    """How far, in pixels."""


@dataclass(frozen=True)
class MomentumConfig:
    momentum: float = 0.0
    """Share of the step before."""


def momentum(
    parameters: Mapping[str, nn.Parameter], settings: OptimizerRecipe, config: MomentumConfig
) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters.values(), lr=settings.lr, momentum=config.momentum)


@dataclass(frozen=True)
class PowerConfig:
    power: float = 1.0
    """Power of the share that is left."""


def power(step: int, steps: int, settings: OptimizerRecipe, config: PowerConfig) -> float:
    return settings.lr * (1 - step / steps) ** config.power


@pytest.fixture(autouse=True)
def declared() -> None:
    vaezoo.register_damage("own-dust", dust, summary="White specks.")
    vaezoo.register_damage("own-shift", Shift, summary="Moved.")
    vaezoo.register_optimizer("own-momentum", momentum, summary="SGD.")
    vaezoo.register_schedule("own-power", power, summary="A power.")


def recipe(*overrides: str) -> Any:
    return load_recipe("mlp-vae", ["data={patch: 16}", *overrides])


def test_a_recipe_sets_them() -> None:
    found = recipe("data.damage={name: own-dust, amount: 1, colours: [0.5]}")
    damage = damage_of(found.data)
    assert damage is not None and damage.config == DustConfig(1.0, (0.5,)) and type(damage.config.amount) is float
    patch = np.zeros((4, 4, 3), np.uint8)
    assert (damage.spoil(patch, np.random.default_rng(0))[0] == 0.5).all()
    assert damage_of(recipe("data.damage=own-dust").data).config == DustConfig()  # type: ignore[union-attr]
    moved = damage_of(recipe("data.damage={name: own-shift, pixels: 3}").data)
    assert isinstance(moved, Shift) and moved.margin == 3


def test_optimizers_and_schedules_take_theirs() -> None:
    settings = recipe("optimizer.kind={name: own-momentum, momentum: 0.5}", "optimizer.lr=0.5").optimizer
    (made,) = make_optimizers(dict(nn.Linear(2, 2).named_parameters()), settings)
    assert made.param_groups[0]["momentum"] == 0.5
    settings = recipe("optimizer.schedule={name: own-power, power: 2}", "optimizer.lr=0.5").optimizer
    assert learning_rate(5, 10, settings) == 0.125
    assert learning_rate(5, 10, replace(settings, schedule="own-power")) == 0.25


@pytest.mark.parametrize(
    ("override", "error", "message"),
    [
        ("data.damage={name: own-dust, amuont: 1}", ConfigError, "'own-dust' has no setting 'amuont'.*mean 'amount'"),
        ("data.damage={name: own-dust, amount: much}", ConfigError, "'own-dust', amount: expected float, got 'much'"),
        ("data.damage={name: own-dust, amount: 2}", ConfigError, "the amount of dust within 0 and 1"),
        ("data.damage={name: own-dust, amount: 10}", PluginError, "'own-dust' of user cannot be used: ValueError"),
        ("data.damage={name: jpeg, amount: 2}", ConfigError, "The damage 'jpeg' has no settings, got amount"),
        ("data.damage={amount: 2}", ConfigError, "Expected a known damage, got ''"),
        ("data.damage=[jpeg]", ConfigError, r"Expected the damage as a name, or as a mapping .* got \['jpeg'\]"),
        ("data.damage=null", ConfigError, "Expected the damage as a name, or as a mapping .* got None"),
        ("optimizer.kind={name: own-momentum, beta: 1}", ConfigError, "'own-momentum' has no setting 'beta'"),
        ("optimizer.kind={name: adamw, beta: 1}", ConfigError, "The optimizer 'adamw' has no settings, got beta"),
        ("optimizer.schedule={name: own-power, power: x}", ConfigError, "'own-power', power: expected float, got 'x'"),
    ],
)
def test_what_is_refused_as_the_recipe_is_read(override: str, error: type[Exception], message: str) -> None:
    with pytest.raises(Exception, match=message) as caught:
        recipe(override)
    assert isinstance(caught.value, error) or "known damage" in message


def test_a_mapping_changes_the_same_thing_and_replaces_another(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "model: mlp-vae\nsteps: 5\ndata: {sets: [mnist], patch: 16, damage: {name: own-dust, amount: 0.5}}\nstages:\n"
        "  first: {}\n  more: {data: {damage: {amount: 0.75}}}\n"
        "  other: {data: {damage: {name: own-shift, pixels: 2}}}\n"
        "  plain: {data: {damage: own-dust}}\n"
    )
    said = {stage: load_recipe(str(file), stage=stage).data.damage for stage in ("first", "more", "other", "plain")}
    assert said == {
        "first": {"name": "own-dust", "amount": 0.5},
        "more": {"name": "own-dust", "amount": 0.75},
        "other": {"name": "own-shift", "pixels": 2},
        "plain": "own-dust",
    }
    both = load_recipe(str(file), ["data.damage.amount=0.1", "data.damage.colours=[0.2]"]).data.damage
    assert both == {"name": "own-dust", "amount": 0.1, "colours": [0.2]}
    assert load_recipe(str(file), ["data.damage.name=own-shift"]).data.damage == "own-shift"
    assert load_recipe("mlp-vae").data.damage == ""


def test_they_are_part_of_the_hash_and_a_name_alone_is_as_it_was() -> None:
    plain, mapped = recipe("data.damage=own-dust"), recipe("data.damage={name: own-dust}")
    assert plain == mapped and recipe_hash(plain) == recipe_hash(mapped)
    told = recipe("data.damage={name: own-dust, amount: 0.5}")
    assert recipe_hash(told) != recipe_hash(plain)
    assert recipe_dict(told)["data"]["damage"] == {"name": "own-dust", "amount": 0.5}


def test_info_shows_them() -> None:
    shown = CliRunner().invoke(info, ["damage/own-dust", "--json"])
    assert json.loads(shown.output)["settings"]["amount"] == {
        "type": "float",
        "default": 0.25,
        "help": "Share of pixels that turn white. It is drawn for each patch.",
    }
    assert "pixels" in CliRunner().invoke(info, ["damage/own-shift"]).output


def test_a_registry_file_names_the_configuration_or_leaves_it_to_the_annotation(tmp_path: Path) -> None:
    here = __name__
    file = tmp_path / "registry.yaml"
    file.write_text(
        f"damages:\n  one: {{target: '{here}:dust', config: '{here}:DustConfig', summary: A.}}\n"
        f"  two: {{target: '{here}:dust', summary: B.}}\n"
        f"schedules: {{flat: {{target: '{here}:learning_rate', config: '{here}:DustConfig', summary: C.}}}}\n"
        f"optimizers: {{odd: {{target: '{here}:momentum', config: '{here}:recipe', summary: D.}}}}\n"
    )
    registry = Registry("acme")
    registry.add_file(file)
    zoo: Any = type("Z", (), {"registry": registry})
    for name in ("one", "two"):
        assert chosen("damage", {"name": name, "amount": 1}, zoo).settings == {"config": DustConfig(1.0)}
    with pytest.raises(PartMismatch, match="'flat' is declared with the config DustConfig, but takes no parameter"):
        chosen("schedule", "flat", zoo)
    with pytest.raises(ConfigError, match="'odd': expected its config as a dataclass with frozen=True"):
        chosen("optimizer", "odd", zoo)
    file.write_text("metrics: {one: {target: 'math:dist', config: 'a:B', summary: A.}}")
    with pytest.raises(ConfigError, match="unknown key 'config'"):
        Registry("acme").add_file(file)


def test_what_cannot_be_declared() -> None:
    with pytest.raises(ConfigError, match=r"The metric 'own-gap' can have no config.*damage, optimizer, schedule"):
        vaezoo.register_metric("own-gap", dust, config=DustConfig)
    with pytest.raises(ConfigError, match="'own-loose': expected its config as a dataclass with frozen=True"):
        vaezoo.register_damage("own-loose", dust, config=DataRecipe)

    @dataclass(frozen=True)
    class Local:
        amount: float = 0.0

    def near(patch: np.ndarray, rng: np.random.Generator, config: Local) -> np.ndarray:
        return patch

    vaezoo.register_damage("own-near", near)
    with pytest.raises(
        ConfigError, match=r"'own-near': the annotation of its config cannot be read.*Declare the class"
    ):
        recipe("data.damage=own-near")
    vaezoo.register_damage("own-near", near, config=Local)
    assert recipe("data.damage=own-near").data.damage == "own-near"


class Idle(Damage):
    """Overrides nothing."""


class IdlePair(PairDamage):
    """Overrides what a pair does not ask."""

    def spoil(self, region: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, int]]:
        return region / np.float32(255), (0, 0)


@pytest.mark.parametrize(("idle", "needed"), [(Idle, "spoil"), (IdlePair, "pair")])
def test_a_class_that_damages_nothing_is_refused_as_the_recipe_is_read(idle: type[Damage], needed: str) -> None:
    vaezoo.register_damage("own-idle", idle)
    message = f"The damage {idle.__name__} overrides neither {needed} nor source, so it damages nothing"
    with pytest.raises(ConfigError, match=message):
        recipe("data.damage=own-idle")
    with pytest.raises(ConfigError, match=message):
        check_declared("damage", "own-idle", idle)
    with pytest.raises(ConfigError, match=message):
        getattr(idle(DataRecipe()), needed)(*[None] * (3 if needed == "pair" else 2))
