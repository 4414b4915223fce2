"""The shelf: what a card says of its recipe and data is still so."""

from __future__ import annotations

import pytest

from vaezoo.data.sets import known_sets
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import HOUSE
from vaezoo.train.recipe import load_recipe, load_stages, recipe_hash

RESTORE = ("deblur", "dejpeg", "denoise", "denoise-small", "lowlight", "sr")
CARDS = [card for _, owner, card in current_zoo().registry.cards.all() if owner.partition(":")[0] == HOUSE]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_names_the_recipe_that_made_its_weights(card):
    name = card.recipe.removeprefix("recipes/").removesuffix(".yaml")
    recipe = load_recipe(name, stage=card.stage)
    assert recipe_hash(recipe) == card.recipe_sha256
    assert recipe.model == card.name.partition(".")[0]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_command_of_a_card_runs_every_stage_that_led_to_its_weights(card):
    name = card.recipe.removeprefix("recipes/").removesuffix(".yaml")
    wanted = [stage.place for stage in load_stages(name, stage=card.stage)]
    run = []
    for call in card.command.split(" && "):
        words = call.removeprefix("torchrun --nproc-per-node 2 -m ").split()
        assert words[:3] == ["vaezoo", "train", name]
        whole = [stage.place for stage in load_stages(name)]
        run += [words[4]] if words[3:] else whole[len(run) :]
    assert run == wanted


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_card_says_as_fields_how_its_scores_were_measured(card):
    assert "vaezoo eval" not in card.protocol
    assert known_sets().keys() & {card.evaluation["data"], f"{card.evaluation['data']}-test"}


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_a_cards_data_is_openly_licensed_and_no_test_set(card):
    for data in card.data:
        known = known_sets()[data["set"]]
        assert data["licence"] == known.licence and "research" not in known.licence
        assert data["sha256"] == known.sha256 and not known.paths[0].startswith("test/")


def test_what_ships_stays_small():
    sizes = {card.name: card.size_bytes for card in CARDS}
    restore = sum(size for name, size in sizes.items() if name.partition(".")[0] in RESTORE)
    assert sum(sizes.values()) - restore <= 25 * 2**20 and restore <= 30 * 2**20
