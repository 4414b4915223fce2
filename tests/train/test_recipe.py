"""Recipes: what ships loads, what is mistyped is named, what decides the weights is in the hash."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vaezoo.errors import ConfigError, UnknownName
from vaezoo.train.recipe import MachineRecipe, Precision, find_recipe, load_recipe, recipe_hash, smoke_recipe

SHIPPED = sorted(path.stem for path in Path(__file__).parents[2].joinpath("recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_loads(name: str) -> None:
    own = ["data=my photos, noisy"] if name == "denoise-self" else []  # whose data only its user has
    assert load_recipe(name, own).data.sets and find_recipe(name).stem == name
    assert not own or load_recipe(name, own).data.sets == ["my photos, noisy"]


def test_overrides_change_values_and_types_are_kept() -> None:
    recipe = load_recipe("denoise", ["optimizer.lr=3e-4", "precision=bf16", "data.sigma=[10,20]", "machine.threads=2"])
    assert recipe.optimizer.lr == 3e-4 and recipe.precision is Precision.bf16
    assert recipe.data.sigma == [10.0, 20.0] and recipe.machine.threads == 2


@pytest.mark.parametrize("told", [["data=mine", "data.valid=[other]"], ["data.valid=[other]", "data=mine"]])
def test_a_folder_takes_the_place_of_all_of_a_recipes_pictures(told: list[str]) -> None:
    assert load_recipe("denoise").data.valid
    own, both = load_recipe("denoise", ["data=mine"]), load_recipe("denoise", told)
    assert own.data.sets == both.data.sets == ["mine"]
    assert own.data.valid == [] and both.data.valid == ["other"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("optimiser.lr=1", r"no key 'optimiser.lr' \(the command line\).*Did you mean 'optimizer.lr'"),
        ("optimizer.learning=1", r"no key 'optimizer.learning'"),
        ("data.sigma=25", r"value of .data.sigma. .* does not fit: expected a list, such as \[1,2\]\.$"),
        ("batch=many", r"value of 'batch' \(the command line\) does not fit.*many"),
        ("precision=fp8", r"value of 'precision'.*fp8"),
        ("optimizer=3", r"A value \(the command line\) does not fit.*OptimizerRecipe"),
        ("seed={a: b: c}", r"An override is not YAML"),
        ("batch", r"An override is key=value, not 'batch'"),
        ("=3", r"An override is key=value, not '=3'"),
        ("model=''", r"model should be the name of a model"),
        ("epochs=3", r"steps or epochs should be one of the two, above zero, not \(10, 3.0\)"),
        ("data.sets=[]", r"data.sets should be the names"),
        ("accumulate=3", r"batch should be a positive multiple of accumulate, not \(128, 3\)"),
        (
            "data.sigma=[5,1]",
            r"data.sigma should be two ascending numbers within 0 and 255, not \[5.0, 1.0\]",
        ),
        ("data.scale=[0,1]", r"data.scale should be"),
        ("optimizer.betas=[0.9]", r"optimizer.betas should be"),
        ("ema=1", r"ema should be at least 0 and below 1, not 1.0"),
        ("data.told=2", r"data.told should be between 0 and 1, not 2.0"),
        ("data={patch: 8, damage: blur, reach: 3}", "data.reach should be at least 4 pixels, not 3"),
        ("data.damage=jpeg", r"data.damage should be used with a patch, not 'jpeg'"),
        ("data={patch: 8, damage: jpeg, sigma: [0, 5]}", r"data.damage should be used without sigma, not 'jpeg'"),
        ("data={patch: 8, damage: recorrupt, sigma: [0, 5]}", r"data.sigma should be one level twice"),
        ("data.factors=[5]", r"data.factors should be some of 2, 3 and 4, not \[5\]"),
        ("data.quality=[0,50]", r"data.quality should be two ascending numbers within 1 and 100"),
        ("data.light=[0,1]", r"data.light should be two ascending numbers within 0.001 and 1, not \[0.0, 1.0\]"),
        ("data.electrons=[9,1]", r"data.electrons should be two ascending numbers within 1 and 1e\+06"),
        ("data.told=0.5", r"data.told should be above 0 only with a patch and sigma"),
        ("data={patch: 8, damage: recorrupt, sigma: [5, 5], told: 0.5}", r"data.told should be 0 with the damage 'rec"),
        ("data.camera=0.5", r"data.camera should be above 0 only with a patch and sigma"),
        ("data.camera=2", r"data.camera should be between 0 and 1, not 2.0"),
        ("data.grain=2", r"data.grain should be between 0 and 1, not 2.0"),
        ("data.grain=0.5", r"data.grain should be above 0 only with a patch, not 0.5"),
        ("data.sigma_power=0", r"data.sigma_power should be a number above 0, not 0.0"),
        ("data.patch=-1", r"data.patch should be a number of at least 0, not -1"),
        ("optimizer.lr=-1", r"optimizer.lr should be a number of at least 0, not -1.0"),
        ("optimizer.lr=.nan", r"optimizer.lr should be a number"),
        ("machine.log_every=0", r"machine.log_every should be a number of at least 1, not 0"),
        ("model=${nowhere}", r"expected plain values, got '\$\{nowhere\}'"),
    ],
)
def test_a_wrong_override_is_named(override: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("model: toy\ndata: {sets: [mnist]}\nsteps: 10\n")
    with pytest.raises(ConfigError, match=message):
        load_recipe(str(file), [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.damage=jpge", "Expected a known damage, got 'jpge'.* Did you mean 'jpeg'"),
        ("optimizer.kind=adam", "Expected a known optimizer, got 'adam'.* Did you mean 'adamw'"),
        ("optimizer.schedule=cosin", "Expected a known schedule, got 'cosin'.* Did you mean 'cosine'"),
    ],
)
def test_a_name_that_nothing_has_is_named(override: str, message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        load_recipe("mlp-vae", [override])


def test_an_unknown_recipe_is_named() -> None:
    with pytest.raises(UnknownName, match=r"a recipe, or a YAML file, got 'denois'.*Did you mean 'denoise'"):
        load_recipe("denois")


def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    for content, message in (
        ("- a\n- b\n", "keys and values"),
        ("a: [", r"is not YAML: [^\n]*line \d[^\n]*$"),
        ("modle: x\n", "Did you mean 'model'"),
    ):
        file.write_text(content)
        with pytest.raises(ConfigError, match=message):
            load_recipe(str(file))


def test_the_hash_knows_what_decides_the_weights() -> None:
    recipe = load_recipe("denoise")
    assert recipe_hash(recipe) == recipe_hash(replace(recipe, machine=MachineRecipe(threads=7)))
    assert recipe_hash(recipe) != recipe_hash(replace(recipe, seed=1))
    assert smoke_recipe(load_recipe("mlp-vae")).steps == 10
