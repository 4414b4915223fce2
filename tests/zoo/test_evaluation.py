"""How a card's scores were measured: its fields, the command that they are, and the older form in a text."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml

from vaezoo.errors import ConfigError
from vaezoo.registry.cards import Card
from vaezoo.registry.evaluation import Evaluation, evaluation_of

from .test_registry import CARD, read


def card_with(folder: Path, **fields: Any) -> Card:
    body = {key: value for key, value in CARD.items() if key not in ("protocol", "evaluation")}
    return read(folder, yaml.safe_dump({"weights": {"small.tag": {**body, **fields}}})).cards_of("small")["tag"]


def test_fields_are_the_options_of_a_command() -> None:
    told = evaluation_of({"data": "mnist", "levels": [15, 0.5], "nll": 100, "binarise": True, "seed": 0})
    assert told == Evaluation("mnist", levels=(15, 0.5), nll=100, binarise=True)
    assert told.command("vae.mine") == "vaezoo eval vae.mine --data mnist --levels 15,0.5 --nll 100 --binarise"
    assert Evaluation().command("denoise.open") == "vaezoo eval denoise.open"


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("Noise, seeded: vaezoo eval small.tag", {"seed": 0}),
        ("vaezoo eval small.tag --data mnist --binarise --nll 100", {"data": "mnist", "binarise": True, "nll": 100}),
        ("vaezoo eval small.tag --sigma 15,25 --limit 3 --seed 4", {"levels": [15.0, 25.0], "limit": 3, "seed": 4}),
        ("vaezoo eval small.tag --style code", {"style": "code"}),
    ],
)
def test_a_command_in_the_text_is_still_read_and_warned_of(text: str, fields: dict[str, Any], tmp_path: Path) -> None:
    with pytest.warns(FutureWarning, match=r"the protocol of 'small.tag' ends in a command; .* evaluation: \{seed: "):
        card = card_with(tmp_path, protocol=text)
    assert card.evaluation == {"seed": 0, **fields} and card.protocol == text


@pytest.mark.parametrize("text", ["By eye.", "vaezoo eval x --colour red", "vaezoo eval x --nll many", ""])
def test_a_text_without_a_command_says_nothing(text: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert card_with(tmp_path, protocol=text).evaluation == {}
        assert card_with(tmp_path, protocol=f"{text} vaezoo eval x", evaluation={"nll": 3}).evaluation == {"nll": 3}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dta": "mnist"}, "unknown key 'dta'. Did you mean 'data'"),
        ({"nll": -1}, "expected nll as a whole number"),
        ({"style": "loud"}, "expected style as"),
        ({"levels": 15}, "expected levels as a list"),
    ],
)
def test_fields_that_make_no_sense(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        card_with(tmp_path, evaluation=fields)
