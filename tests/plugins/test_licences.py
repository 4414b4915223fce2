"""Which licences weights may have, and the verb that lists them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from vaezoo_licences.policy import refusal

from vaezoo import create
from vaezoo.cli.main import _group
from vaezoo.errors import PluginError, WeightsError
from vaezoo.testing import PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_licences"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("VAEZOO_LICENCES", "VAEZOO_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def test_anything_is_allowed_where_nothing_is_said() -> None:
    assert create("denoise", pretrained=True).origin.weights is not None


@pytest.mark.parametrize("allowed", ["MIT", "mit, CC0-1.0", "", " , "])
def test_a_licence_that_is_not_in_the_list_is_refused(monkeypatch: pytest.MonkeyPatch, allowed: str) -> None:
    monkeypatch.setenv("VAEZOO_LICENCES", allowed)
    with pytest.raises(
        WeightsError, match=r"vaezoo:licences refuses the weights 'denoise\.photo': their licence is CC B"
    ):
        create("denoise", pretrained=True)
    if "mit" in allowed.lower():
        assert create("mlp-seed", pretrained=True).origin.weights is not None


def test_spelling_does_not_matter() -> None:
    assert refusal("CC BY-SA 4.0", ("cc-by-sa-4.0",)) is None
    assert refusal("CC BY-SA 4.0", ("CC-BY-4.0",)) == (
        "their licence is CC BY-SA 4.0, and only CC-BY-4.0 is allowed. "
        "Add it to licences in your configuration or to VAEZOO_LICENCES if it suits you."
    )


def test_the_configuration_is_obeyed_unless_the_variable_says_more(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vaezoo").mkdir()
    (tmp_path / "vaezoo/config.yaml").write_text("licences: [MIT]")
    with pytest.raises(WeightsError, match="only MIT is allowed"):
        create("denoise", pretrained=True)
    monkeypatch.setenv("VAEZOO_LICENCES", "CC BY-SA 4.0")
    assert create("denoise", pretrained=True).origin.weights is not None


def test_a_list_that_cannot_be_read_forbids(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "vaezoo").mkdir()
    (tmp_path / "vaezoo/config.yaml").write_text("licences: MIT")
    with pytest.raises(PluginError, match=r"cannot say whether .*expected licences as a list of texts, got 'MIT'"):
        create("mlp-seed", pretrained=True)


def test_the_verb_lists_weights_and_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_LICENCES", "MIT")
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(_group, ["licences", "--json"]).output)}
    assert rows["mlp-seed.fashion"] == {
        "name": "mlp-seed.fashion",
        "licence": "MIT",
        "data": {"fashion-mnist": "MIT"},
        "allowed": True,
    }
    assert rows["denoise.open"]["allowed"] is False and len(rows["denoise.open"]["data"]) > 1
    lines = CliRunner().invoke(_group, ["licences"]).output.splitlines()
    assert lines[0].split() == ["WEIGHTS", "LICENCE", "ALLOWED", "DATA"]
    (line,) = [line for line in lines if line.startswith("denoise.open")]
    assert "  no  " in line and "cid22 (CC BY-SA 4.0)" in line
