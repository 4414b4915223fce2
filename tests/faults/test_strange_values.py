"""What a plugin declares is read once, while it is loaded. Later nobody's listing depends on its code."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zoo.guests import Guests

from vaezoo.errors import BackendUnavailable, ConfigError, VaezooError, words_of
from vaezoo.files.schema import conform
from vaezoo.host.guard import Refused, guarded
from vaezoo.host.hookspecs import Declaration, PartDeclaration
from vaezoo.host.kinds import at_its_own_risk
from vaezoo.host.manager import Zoo
from vaezoo.registry.declared import registry_schema
from vaezoo.registry.plain import plain_copy
from vaezoo.registry.target import load_object
from vaezoo.restore.batch import unforeseen
from vaezoo.zoo.info import SECTIONS, list_declared, list_models, model_info


def refuse(*_: object) -> Any:
    raise ValueError("not now")


class Text(str):
    """A text that fails when it is used."""

    __str__ = __repr__ = __len__ = __format__ = __lt__ = ljust = rstrip = refuse  # type: ignore[assignment]


class Body(dict[str, Any]):
    """A mapping that fails when it is asked for a single value."""

    get = __getitem__ = __contains__ = refuse  # type: ignore[assignment]


class Number(float):
    __repr__ = __eq__ = refuse  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


class Mute(Exception):
    __str__ = refuse  # type: ignore[assignment]


class Leaving(Exception):
    def __str__(self) -> str:
        raise SystemExit(9)


class Naming(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ValueError("no name")


class Nameless(Exception, metaclass=Naming):
    pass


class Ours(VaezooError):
    __str__ = refuse  # type: ignore[assignment]


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guests:
    return Guests(tmp_path, monkeypatch)


def load(*entries: Any) -> Zoo:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Zoo(list(entries))


@pytest.mark.parametrize(
    "error",
    [Mute(), Leaving(), Nameless(), Ours("odd"), SystemExit(Mute())],
    ids=["mute", "leaves", "type", "ours", "exit"],
)
def test_an_error_that_cannot_be_put_in_words_is_a_refusal(error: BaseException) -> None:
    with pytest.raises(Refused, match="cannot be read"), guarded("hook-raised"):
        raise error
    with pytest.raises(VaezooError), at_its_own_risk("metric", "odd", "somebody"):
        raise error


def test_the_words_of_an_error_are_one_plain_line() -> None:
    assert words_of(RuntimeError("one\n two")) == "one two"
    assert type(words_of(RuntimeError(Text("one")))) is str
    assert "Mute" in str(unforeseen(Mute(), Path("a.png")))


def test_a_target_whose_error_cannot_be_read_is_a_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mute_target.py").write_text("class E(Exception):\n    __str__ = None\nraise E\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendUnavailable, match="fails with E: "):
        load_object("mute_target:x", "The metric 'mute'")


def declared(guests: Guests) -> Iterator[Any]:
    yield guests.saying(
        "body", "vaezoo_models", {Text("strange-body"): Body(prior="normal", decoder="conv", loss="beta")}
    )
    body = {"prior": "normal", "decoder": "conv", "loss": "beta", "summary": Text("odd"), "task": Text("denoise")}
    yield guests.saying("text", "vaezoo_models", {"strange-text": body | {"shared": {"beta": Number(2)}}})
    part = PartDeclaration(Text("a:b"), Text("a:c"), Text("A part."))
    yield guests.saying("part", "vaezoo_encoders", {Text("strange-part"): part})
    yield guests.saying(
        "metric", "vaezoo_declarations", [Declaration("metric", Text("strange"), "a:b", Text("A metric."))]
    )
    yield guests.saying("verb", "vaezoo_cli_commands", {Text("strange"): (Text("a:b"), Text("A verb."))})
    yield guests.saying("scheme", "vaezoo_weight_sources", {Text("strange"): Text("a:b")})


def test_values_of_a_strangers_classes_break_no_listing(guests: Guests) -> None:
    zoo = load(*declared(guests))
    assert [plugin.cause for plugin in zoo.failed()] == []
    assert {"strange-body", "strange-text"} <= set(list_models(zoo=zoo))
    assert json.loads(json.dumps(model_info("strange-text", zoo=zoo)))["shared"] == {"beta": 2.0}
    for kind in SECTIONS:
        for row in list_declared(kind, zoo=zoo):
            assert {type(value) for value in row.values()} == {str}, row


@pytest.mark.parametrize(
    ("hook", "answer"),
    [
        ("vaezoo_models", {"odd": {"prior": "normal", "decoder": "conv", "loss": "beta", "summary": 3}}),
        ("vaezoo_models", {"odd": {"prior": "normal", "decoder": "conv", "loss": "beta", "task": None}}),
        ("vaezoo_declarations", [Declaration("metric", "odd", "a:b", None)]),  # type: ignore[arg-type]
        ("vaezoo_cli_commands", {"odd": ("a:b", 3)}),
    ],
    ids=["model", "task", "metric", "verb"],
)
def test_a_summary_that_is_no_text_is_refused(guests: Guests, hook: str, answer: Any) -> None:
    (failed,) = load(guests.saying("odd", hook, answer)).failed()
    assert failed.status == "invalid" and "as a text, got" in failed.cause, failed


def test_a_body_that_contains_itself_is_refused() -> None:
    body: dict[str, Any] = {}
    body["shared"] = body
    with pytest.raises(ConfigError, match="at most 40 levels"):
        plain_copy(body)


# Patterns


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        for each in schema.values():
            yield from patterns(each)


def test_every_pattern_is_for_the_whole_text_and_takes_no_newline() -> None:
    found = set(patterns(registry_schema()))
    assert len(found) >= 3
    fitting = {"a" * 64, "acme-vae", "acme-vae.tag"}
    for pattern in found:
        assert pattern.startswith("^") and pattern.endswith("$"), "JSON Schema looks for it anywhere in the text"
        (text,) = [each for each in fitting if re.search(pattern, each)][:1]
        conform(text, {"type": "string", "pattern": pattern}, "a file")
        for more in ("\n", "\r\n", "\u2028", " "):
            with pytest.raises(ConfigError):
                conform(text + more, {"type": "string", "pattern": pattern}, "a file")
