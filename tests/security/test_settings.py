"""Settings of strangers: nothing is filled in from the environment, and nothing grows when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import vaezoo
from vaezoo.errors import ConfigError
from vaezoo.train.recipe import load_recipe

pytestmark = pytest.mark.usefixtures("quick")
RECIPE = "model: mlp-vae\ndata: {{sets: [mnist]}}\nsteps: 10\n{}\n"
SECRET = "not for strangers"


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_SECRET", SECRET)


@pytest.mark.parametrize(
    "line",
    [
        "warm_start: ${oc.env:ACME_SECRET}",
        "only: [a, '${oc.env:ACME_SECRET}']",
        "overrides: ['hidden=${oc.env:ACME_SECRET}']",
        'overrides: ["hidden=$\\x7boc.env:ACME_SECRET}"]',
        "warm_start: ${model}",
        "'${oc.env:ACME_SECRET}': 1",
    ],
)
def test_a_recipe_is_told_nothing_of_the_environment(tmp_path: Path, line: str) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(line))
    with pytest.raises(ConfigError, match="expected plain values") as refused:
        load_recipe(str(tmp_path / "recipe.yaml"))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("only: [&a [x, x], *a]", "anchors and aliases are not used here"),
        ("warm_start: !!python/object/apply:os.system [id]", "tags are not used here"),
        (f"only: {'[' * 50}{']' * 50}", "at most 40 levels"),
    ],
)
def test_a_recipe_is_plain(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(line))
    with pytest.raises(ConfigError, match=rf"recipe\.yaml, line 4: .*{why}"):
        load_recipe(str(tmp_path / "recipe.yaml"))


@pytest.mark.parametrize("value", ["${oc.env:ACME_SECRET}", "[${oc.env:ACME_SECRET}]", "&a [1]", "!!str 1"])
def test_settings_of_the_command_line_are_plain(value: str) -> None:
    for refused in (
        lambda: load_recipe("mlp-vae", [f"warm_start={value}"]),
        lambda: vaezoo.explain("mlp-vae", overrides=[f"encoder.belief={value}"]),
        lambda: load_recipe("mlp-vae", [f"overrides=['hidden={value}']"]),
    ):
        with pytest.raises(ConfigError) as error:
            refused()
        assert SECRET not in str(error.value)


@pytest.mark.parametrize("value", [["${oc.env:ACME_SECRET}"], ["8", "${oc.env:ACME_SECRET}"]])
def test_a_value_of_python_is_not_filled_in_either(value: Any) -> None:
    with pytest.raises(ConfigError, match="expected plain values") as refused:
        vaezoo.explain("mlp-vae", overrides={"hidden": value})
    assert SECRET not in str(refused.value)


def test_a_saved_folder_is_told_nothing(tmp_path: Path) -> None:
    folder = vaezoo.save(vaezoo.create("mlp-vae", hidden=[8], seed=0), tmp_path / "model")
    told = folder / "vaezoo.yaml"
    told.write_text(told.read_text().replace("activation: silu", "activation: ${oc.env:ACME_SECRET}"))
    with pytest.raises(ConfigError, match="expected plain values"):
        vaezoo.load(folder)
