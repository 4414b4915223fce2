"""Registry files: YAML with lines, names, cards."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaezoo.errors import ConfigError, DuplicateName, UnknownName, suggest
from vaezoo.registry.entries import Source
from vaezoo.registry.registry import Registry

CARD: dict[str, Any] = {
    "urls": ["pkg://vaezoo/x.safetensors"],
    "sha256": "0" * 64,
    "size_bytes": 12,
    "licence": "CC0-1.0",
    "data": [{"set": "pictures", "licence": "CC0-1.0"}],
    "recipe": "mlp-vae",
    "recipe_sha256": "0" * 64,
    "command": "vaezoo train mlp-vae",
    "seed": 0,
    "steps": 10,
    "hardware": "2 cores",
    "cpu_hours": 1.5,
    "probe": [0.5, 1],
}


def read(tmp_path: Path, text: str | bytes) -> Registry:
    path = tmp_path / "registry.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    registry = Registry("guest")
    registry.add_file(path)
    return registry


def test_what_is_declared_knows_its_line(tmp_path: Path) -> None:
    text = "# a comment\nmodels:\n  small: {prior: a, decoder: b, loss: c, task: denoise, summary: S.}\n"
    model = read(tmp_path, text).models.get("small")
    assert str(model.source) == "guest (registry.yaml:3)" and str(Source("someone")) == "someone"
    assert (model.task, model.summary) == ("denoise", "S.")


def test_an_empty_file_declares_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "").models.names() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models:\n  a: {}\n  a: {}\n", "registry.yaml, line 3: the key 'a' stands twice, first at line 2"),
        ("model: {}", "line 1: unknown key 'model'. Did you mean 'models'?"),
        ("models: {1: {}}", "line 1: expected a text as key, got 1. Put it in quotes."),
        ("models:\n  ? [a]\n  : b", "line 2: expected a text as key, got ['a']"),
        ("- a", "line 1: expected a mapping, got list"),
        ("models: [", "line 2: while parsing a flow node"),
        ("models: {<<: {a: 1}}", "line 1: expected a name of lower case words joined by hyphens, got '<<'"),
        (b"models: {}\n# \xff\xfe\xff", "line 2: 'utf-8' codec can't decode"),
        ("models: 5", "line 1: expected models as a mapping, got 5"),
        ("parts: {encoder: 5}", "line 1: expected encoder as a mapping, got 5"),
        ("models:\n  a: 5", "line 2: expected a as a mapping, got 5"),
        ("parts: {encodr: {a: {target: t, facts: f}}}", "unknown key 'encodr'. Did you mean 'encoder' or"),
        ("parts: {encoder: {a: {config: c}}}", "expected the key 'target' in a"),
        ("parts: {encoder: {a: {target: t, fact: f}}}", "unknown key 'fact'. Did you mean 'facts'?"),
        ("parts: {encoder: {A_b: {target: t, facts: f}}}", "lower case words joined by hyphens, got 'A_b'"),
        ("models: {a: {prior: normal}}", "line 1: expected the keys 'decoder', 'loss' in a"),
    ],
)
def test_a_malformed_file(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


def test_a_missing_file() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml cannot be read: No such file"):
        Registry("guest").add_file(Path("nowhere.yaml"))


def test_a_card_is_read(tmp_path: Path) -> None:
    registry = read(tmp_path, yaml.safe_dump({"weights": {"small.tag": CARD}}))
    card = registry.cards_of("plugin/small")["tag"]
    assert card.name == "small.tag" and card.probe == (0.5, 1) and card.scores == {}
    assert registry.cards_of("other") == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sha256": "abc"}, "expected sha256 as 64 hexadecimal digits, got 'abc'"),
        ({"sha256": 5}, "expected sha256 as 64 hexadecimal digits, got 5"),
        ({"seed": "zero"}, "expected seed as a whole number, got 'zero'"),
        ({"cpu_hours": "1e3"}, "expected cpu_hours as a number of at least 0, got '1e3'"),
        ({"urls": "pkg://x"}, "expected urls as a list that is not empty, got 'pkg://x'"),
        ({"urls": [5]}, "expected each of urls as a text that is not empty, got 5"),
        ({"probe": ["a"]}, "expected each of probe as a number, got 'a'"),
        ({"data": ["pictures"]}, "expected each of data as a mapping, got 'pictures'"),
        ({"license": "MIT"}, "unknown key 'license'. Did you mean 'licence'"),
        ({"licence": None}, "expected licence as a text that is not empty, got None"),
    ],
)
def test_a_malformed_card(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, yaml.safe_dump({"weights": {"small.tag": {**CARD, **change}}}))
    assert message in str(caught.value) and "registry.yaml, line " in str(caught.value)


def test_a_card_lacks_something_or_its_tag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"line 2: expected the keys 'seed', 'cpu_hours' in small\.tag"):
        lacking = {k: v for k, v in CARD.items() if k not in ("seed", "cpu_hours")}
        read(tmp_path, yaml.safe_dump({"weights": {"small.tag": lacking}}))
    with pytest.raises(ConfigError, match=r"line 2: expected a weight's name as arch\.tag, got 'small'"):
        read(tmp_path, yaml.safe_dump({"weights": {"small": CARD}}))


def test_names_are_suggested() -> None:
    registry = Registry("guest")
    registry.add_part("encoder", "dense", "t", "f")
    with pytest.raises(UnknownName, match="Expected a known encoder, got 'dens'"):
        registry.parts["encoder"].get("dens")
    with pytest.raises(DuplicateName, match="The encoder 'dense' of guest is registered already, by guest"):
        registry.add_part("encoder", "dense", "t", "f")
    assert suggest("x", []) == "None is known." and suggest("zzz", ["a", "b"]) == "Known: a, b."
    assert suggest("zzz", map(str, range(20))) == "20 are known."


def full(owner: str, *, loss: str = "good", old: str = "gone") -> Registry:
    """A registry with an entry of several kinds, and a renaming."""
    registry = Registry(owner)
    registry.add_part("encoder", "good", "a.b:C", "a.b:facts")
    registry.add_part("loss", loss, "a.b:C", "a.b:facts")
    registry.add_model("good", {"prior": "a", "decoder": "b", "loss": "c"})
    registry.add("task", "good", "a.b:C")
    registry.parts["encoder"].rename(old, "good", owner)
    return registry


def held(registry: Registry) -> dict[str, Any]:
    return {kind: deepcopy((shelf.entries, shelf.renamed)) for kind, shelf in registry.shelves().items()}


@pytest.mark.parametrize(
    "clash",
    [
        full("acme:one", loss="theirs"),
        full("acme:one", old="theirs"),
        full("acme:one", old="older"),
        full("acme:two"),
    ],
    ids=["a name", "a renamed name", "an old name", "the same owner"],
)
def test_a_merge_is_whole_or_nothing(clash: Registry) -> None:
    mine = Registry("vaezoo")
    mine.add_part("encoder", "theirs", "a.b:C", "a.b:facts")
    mine.add_part("loss", "theirs", "a.b:C", "a.b:facts")
    mine.parts["encoder"].rename("older", "theirs", "vaezoo")
    mine.merge(full("acme:two"))
    before = held(mine)
    with pytest.raises(DuplicateName):
        mine.merge(clash)
    assert held(mine) == before
    mine.merge(full("acme:one"))
    assert set(mine.parts["loss"].entries["good"]) == {"acme:one", "acme:two"}
    assert mine.kinds["task"].entries["good"].keys() == {"acme:one", "acme:two"}
    assert mine.parts["encoder"].renamed["gone"] == {"acme:one": "good", "acme:two": "good"}


def test_what_is_merged_does_not_grow_with_where_it_went() -> None:
    mine, theirs = Registry("vaezoo"), full("acme:one")
    mine.merge(theirs)
    mine.merge(full("acme:two"))
    assert theirs.parts["loss"].entries["good"].keys() == {"acme:one"}
