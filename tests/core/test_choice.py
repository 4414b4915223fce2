"""Choices with options, ``NAME(key=value)``: every option by its name, or refused."""

from __future__ import annotations

import pytest

from vaezoo import create
from vaezoo.core.beliefs import belief_kind
from vaezoo.core.choice import check_options, parse_choice
from vaezoo.core.likelihood.names import parse_kind
from vaezoo.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("vq", "vq", {}),
        ("vq()", "vq", {}),
        (" vq ( entries = 256 ) ", "vq", {"entries": 256}),
        ("a.b:C(x=-1.5, y='d', z=(1, [2]))", "a.b:C", {"x": -1.5, "y": "d", "z": (1, [2])}),
        ("student-t(nu=learned)", "student-t", {"nu": "learned"}),
        ("plugin/vq(entries=3)", "plugin/vq", {"entries": 3}),
    ],
)
def test_a_choice_is_read(text: str, name: str, options: dict[str, object]) -> None:
    assert parse_choice(text, "thing") == (name, options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wrapped-normal(2.0)", r"each option of thing by name.*Write wrapped-normal\(key=value\)"),
        ("categorical(5, classes=5)", "each option of thing by name"),
        ("categorical(**{'classes': 5})", "each option of thing by name"),
        ("categorical(*[5])", "each option of thing by name"),
        ("categorical(classes=5, classes=6)", "each option of thing at most once"),
        ("categorical(classes=1+)", r"as NAME\(key=value\) with plain values"),
        ("categorical(classes=open('x'))", "plain values"),
        ("categorical(classes=5)(depth=2)", "plain values"),
        ("categorical() + f()", "plain values"),
        ("categorical() + f(a=1)", "plain values"),
        ("two words", "as NAME or NAME"),
        ("", "as NAME or NAME"),
        (5, "as NAME or NAME"),
    ],
)
def test_what_is_no_choice_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_choice(text, "thing")


def taking(classes: int, width: float = 1.0, kind: str | int = "a", deep: bool = False) -> None:
    """Something with options."""


@pytest.mark.parametrize("options", [{"classes": 3}, {"classes": 3, "width": 2, "kind": 7, "deep": True}])
def test_options_that_fit_pass(options: dict[str, object]) -> None:
    check_options("it", "thing", options, taking)


@pytest.mark.parametrize(
    "options",
    [{}, {"classes": "3"}, {"classes": 3.0}, {"classes": True}, {"classes": 3, "deep": 1}, {"classes": 3, "depth": 1}],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(
        ConfigError, match=r"Expected thing as NAME\(key=value\) with options classes, width, kind, deep"
    ):
        check_options("it", "thing", options, taking)


@pytest.mark.parametrize("text", ["wrapped-normal(2.0)", "categorical(5)", "categorical(classes=5.0)", "gaussian()(1)"])
def test_beliefs_do_not_take_what_they_would_not_heed(text: str) -> None:
    with pytest.raises(ConfigError, match="belief"):
        belief_kind(text)
    with pytest.raises(ConfigError, match="belief"):
        create("mlp-vae", belief=text)


def test_a_beliefs_options_are_heeded() -> None:
    assert belief_kind("wrapped-normal(curvature=2.0)").options == {"curvature": 2.0}
    assert belief_kind("categorical(classes=5)").options == {"classes": 5}


@pytest.mark.parametrize("text", ["student-t(4)", "student-t(nu=4, nu=5)", "logistic-mixture(components=2.5)"])
def test_likelihoods_neither(text: str) -> None:
    with pytest.raises(ConfigError, match="likelihood"):
        parse_kind(text)
        create("mlp-vae", likelihood=text)
