"""The schema of registry files: one description, which both the parser and other people's tools refuse mistakes by."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from vaezoo.errors import ConfigError
from vaezoo.files.schema import schema_of
from vaezoo.files.yaml import read_yaml
from vaezoo.registry.cards import TRAINED, Card, DataSet, card_schema
from vaezoo.registry.declared import registry_schema
from vaezoo.registry.registry import Registry

from .test_registry import CARD, read

ROOT = Path(__file__).parents[2]
FILES = [
    ROOT / "registry.yaml",
    *sorted(ROOT.glob("vaezoo/zoo/*.yaml")),
    *sorted(ROOT.glob("plugins/**/registry.yaml")),
]
VALIDATOR = jsonschema.Draft202012Validator(registry_schema())

GOOD: dict[str, Any] = {
    "parts": {"encoder": {"tiny": {"target": "p.m:C", "facts": "p.m:f", "summary": "S."}}},
    "models": {
        "small": {
            "summary": "S.",
            "task": "denoise",
            "encodes": "input",
            "shared": {"widths": [1, 2]},
            "encoder": None,
            "prior": "normal",
            "decoder": {"name": "mlp", "hidden": []},
            "loss": "elbo",
        }
    },
    "weights": {
        "small.tag": {
            **CARD,
            "scores": {"psnr_db": 30.5, "images": 24},
            "baselines": {"bm3d": {"psnr_db": 30.1}},
            "tolerance": {"psnr_db": 0.1},
        }
    },
}


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(registry_schema())
    json.dumps(registry_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_registry_file_is_as_it_says(path: Path) -> None:
    VALIDATOR.validate(read_yaml(path))


def test_every_field_of_a_card_is_described_and_needed_or_has_a_default() -> None:
    schema = card_schema()
    assert set(schema["properties"]) == set(Card.__dataclass_fields__) - {"name"}
    assert all(value["description"] for value in schema["properties"].values())
    assert all(value["description"] for value in schema_of(DataSet)["properties"].values())
    assert set(schema["properties"]) - set(schema["required"]) == {
        "stage", "scores", "protocol", "evaluation", "baselines",
        "tolerance", "probe", "calibration", "publisher", "notes", *TRAINED,
    }  # fmt: skip


def test_weights_that_somebody_else_trained_name_their_publisher_instead(tmp_path: Path) -> None:
    theirs = {key: value for key, value in CARD.items() if key not in TRAINED}
    file = {"weights": {"small.tag": {**theirs, "publisher": "https://example.org"}}}
    VALIDATOR.validate(file)
    assert read(tmp_path, yaml.safe_dump(file)).cards_of("small")["tag"].publisher == "https://example.org"


def test_a_good_file(tmp_path: Path) -> None:
    VALIDATOR.validate(GOOD)
    card = read(tmp_path, yaml.safe_dump(GOOD)).cards_of("small")["tag"]
    assert card.baselines == {"bm3d": {"psnr_db": 30.1}} and card.tolerance == {"psnr_db": 0.1}


GONE = ("left out",)
DIGEST = "0" * 64
MISTAKES: list[tuple[tuple[str, ...], Any, str]] = [
    (("model",), {}, "unknown key 'model'. Did you mean 'models'?"),
    (("parts", "encodr"), {}, "unknown key 'encodr'. Did you mean 'encoder'"),
    (("parts", "encoder", "Big"), {"target": "a", "facts": "b"}, "lower case words joined by hyphens, got 'Big'"),
    (("parts", "encoder", "tiny", "target"), GONE, "expected the key 'target' in tiny"),
    (("parts", "encoder", "tiny", "target"), 5, "expected target as a text that is not empty, got 5"),
    (("parts", "encoder", "tiny", "fcts"), "x", "unknown key 'fcts'. Did you mean 'facts'?"),
    (("models", "small", "colour"), "red", "unknown key 'colour'"),
    (("models", "small", "prior"), None, "expected prior as a text or a mapping, got None"),
    (("models", "small", "loss"), GONE, "expected the key 'loss' in small"),
    (("models", "small", "decoder"), {"hidden": []}, "expected the key 'name' in decoder"),
    (("models", "small", "decoder"), {"name": 5}, "expected name as a text that is not empty, got 5"),
    (("models", "small", "encodes"), "both", "expected encodes as 'input' or 'target', got 'both'"),
    (("models", "small", "shared"), [1], "expected shared as a mapping, got [1]"),
    (("models", "small", "task"), 5, "expected task as a text, got 5"),
    (("weights", "small"), CARD, "expected a weight's name as arch.tag, got 'small'"),
    (("weights", "small.tag", "steps"), GONE, "expected the key 'steps' in small.tag"),
    (("weights", "small.tag", "sha256"), "A" * 64, "expected sha256 as 64 hexadecimal digits, got 'A"),
    (("weights", "small.tag", "sha256"), DIGEST + "0", "expected sha256 as 64 hexadecimal digits"),
    (("weights", "small.tag", "recipe_sha256"), "", "expected recipe_sha256 as 64 hexadecimal digits, got ''"),
    (("weights", "small.tag", "size_bytes"), -1, "expected size_bytes as a whole number of at least 0, got -1"),
    (("weights", "small.tag", "size_bytes"), "12", "expected size_bytes as a whole number of at least 0, got '12'"),
    (("weights", "small.tag", "steps"), True, "expected steps as a whole number of at least 0, got True"),
    (("weights", "small.tag", "seed"), 1.5, "expected seed as a whole number, got 1.5"),
    (("weights", "small.tag", "urls"), [], "expected urls as a list that is not empty, got []"),
    (("weights", "small.tag", "urls"), [""], "expected each of urls as a text that is not empty, got ''"),
    (("weights", "small.tag", "licence"), "", "expected licence as a text that is not empty, got ''"),
    (("weights", "small.tag", "license"), "MIT", "unknown key 'license'. Did you mean 'licence'"),
    (("weights", "small.tag", "data"), [{"set": "x"}], "expected the key 'licence' in each of data"),
    (("weights", "small.tag", "data"), [{"set": "x", "licence": "y", "sha256": "z"}], "sha256 as 64 hexadecimal"),
    (("weights", "small.tag", "scores"), {"psnr_db": "high"}, "expected psnr_db as a number, got 'high'"),
    (("weights", "small.tag", "baselines"), {"bm3d": 5}, "expected bm3d as a mapping, got 5"),
    (("weights", "small.tag", "tolerance"), {"psnr_db": -1}, "expected psnr_db as a number of at least 0, got -1"),
    (("weights", "small.tag", "probe"), [None], "expected each of probe as a number, got None"),
    (("weights", "small.tag", "hardware"), GONE, "expected the key 'hardware' in small.tag"),
]


@pytest.mark.parametrize(("keys", "value", "message"), MISTAKES, ids=lambda item: str(item)[:40])
def test_a_mistake_is_refused_by_schema_and_parser(
    keys: tuple[str, ...], value: Any, message: str, tmp_path: Path
) -> None:
    planted = copy.deepcopy(GOOD)
    place = planted
    for key in keys[:-1]:
        place = place[key]
    if value is GONE:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    assert not VALIDATOR.is_valid(planted)
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, yaml.dump(planted, Dumper=NoAliases))
    assert message in str(caught.value) and "registry.yaml, line " in str(caught.value)
    assert caught.value.value is not GONE


class NoAliases(yaml.SafeDumper):
    """Writes everything out."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "line 1: anchors and aliases are not used here, got 'a'. Write it out."),
        ("models: {}\nweights: *x", "line 2: anchors and aliases are not used here, got 'x'"),
        ("models: !!python/object/apply:os.system [echo]", "line 1: tags are not used here"),
        ("models: !!map {}", "line 1: tags are not used here, got 'tag:yaml.org,2002:map'. Leave it out."),
        ("models:\n  a: ${oc.env:HOME}", "line 2: expected plain values, got '${oc.env:HOME}'. Nothing is filled in"),
        ("models:\n  ${a}: b", "line 2: expected plain values, got '${a}'"),
        ("models:\n  a: .nan", "line 2: expected a finite number, got .nan"),
        ("models:\n  a: -.inf", "line 2: expected a finite number, got -.inf"),
        ("models: " + "[" * 100 + "]" * 100, "line 1: expected at most 40 levels, got more"),
        ("models: " + "9" * 5000, "Exceeds the limit"),
        ("models: {}\n\x07", "line 2: the character #x0007 is not allowed"),
        ("models:\n\t- a", "line 2: while scanning for the next token found character"),
        ("models: {a: 2024-01-01}", "expected a as a mapping, got '2024-01-01'"),
        ("---\n---\n", "line 2: expected a single document in the stream but found another document"),
    ],
)
def test_yaml_that_is_more_than_a_registry_file_needs(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value) and "registry.yaml, line " in str(caught.value)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfmodels: {}").models.names() == []


def test_nothing_of_a_malformed_file_is_registered(tmp_path: Path) -> None:
    path = tmp_path / "registry.yaml"
    path.write_text("parts: {encoder: {tiny: {target: t, facts: f}}}\nmodels: 5\n")
    registry = Registry("guest")
    with pytest.raises(ConfigError, match="line 2"):
        registry.add_file(path)
    assert registry.parts["encoder"].names() == []


def test_a_card_is_built_by_position_as_it_was_before_it_had_a_stage() -> None:
    positions = ("name", "urls", "sha256", "size_bytes", "licence", "data", "recipe", "recipe_sha256", "command")
    positions += ("seed", "steps", "hardware", "cpu_hours", "scores", "protocol", "baselines", "tolerance", "probe")
    positions += ("calibration", "publisher", "notes")
    card = Card(*positions)  # type: ignore[arg-type]
    assert all(getattr(card, name) == name for name in positions)
    assert Card(*positions[:6], stage="last").stage == "last"  # type: ignore[arg-type]
