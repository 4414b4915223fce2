"""``reproduce``: the recipe of a card, run again on pictures of a test's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaezoo.host.manager import current_zoo
from vaezoo.train.recipe import load_recipe, recipe_hash

RECIPE = """\
model: mlp-seed
data: {sets: [pictures], gray: true}
steps: 3
batch: 4
optimizer: {lr: 1e-3, warmup: 0}
"""


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A card ``mlp-seed.tiny`` of a recipe of three steps; returns what changes it."""
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    rng = np.random.default_rng(0)
    for index in range(8):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(f"pictures/{index}.png")
    Path("tiny.yaml").write_text(RECIPE)
    cards = current_zoo().registry.cards
    card = replace(
        cards.get("mlp-seed.fashion"),
        name="mlp-seed.tiny",
        recipe="tiny.yaml",
        recipe_sha256=recipe_hash(load_recipe("tiny.yaml")),
        evaluation={"data": "pictures", "seed": 3},
        scores={},
        tolerance={},
    )

    def put(**change):
        monkeypatch.setattr(cards, "entries", {"mlp-seed.tiny": {"vaezoo": replace(card, **change)}})

    put()
    return put


def measured(vaezoo, *words):
    code, out, _ = vaezoo("reproduce", "mlp-seed.tiny", "--json", *words)
    return code, json.loads(out)


def test_what_holds_and_what_does_not(vaezoo, shelf):
    code, told = measured(vaezoo)
    scores = told["measured"]
    assert code == 0 and told["holds"] and (told["steps"], told["data"], scores["images"]) == (3, "pictures", 8)
    shelf(scores=scores)
    code, out, _ = vaezoo("reproduce", "mlp-seed", "--out", "again")
    assert code == 0 and "Every score is within its tolerance." in out and "WITHIN" in out
    shelf(scores={**scores, "elbo_nats": scores["elbo_nats"] * 1.02, "gone_nats": 1.0})
    code, out, _ = vaezoo("reproduce", "mlp-seed.tiny", "--out", "again")
    assert code == 4 and "2 of" in out and out.count("  NO\n") == 2
    shelf(scores={"elbo_nats": scores["elbo_nats"] * 1.02}, tolerance={"elbo_nats": 20.0})
    assert measured(vaezoo, "--out", "again")[0] == 0
    shelf(scores={"elbo_nats": scores["elbo_nats"] + 0.1}, tolerance={"elbo_nats": 0.01})
    code, told = measured(vaezoo, "--out", "again")
    assert code == 4 and not told["holds"] and told["scores"][0]["tolerance"] == 0.01


def test_a_smoke_run_claims_nothing(vaezoo, shelf):
    shelf(scores={"elbo_nats": 0.0})
    code, out, _ = vaezoo("reproduce", "mlp-seed.tiny", "--smoke")
    assert code == 0 and "The run works. After 10 steps" in out and "says nothing of the card" in out
    assert "holds" not in measured(vaezoo, "--smoke")[1]


def test_too_little_time_is_not_success(vaezoo, shelf):
    code, told = measured(vaezoo, "--minutes", "0")
    assert code == 1 and told["steps"] < told["total_steps"] == 3
    assert "The same command continues from here." in vaezoo("reproduce", "mlp-seed.tiny", "--minutes", "0")[1]
    code, told = measured(vaezoo)
    assert code == 0 and told["steps"] == 3


def test_another_recipe_is_named_with_both_hashes(vaezoo, shelf):
    wanted = recipe_hash(load_recipe("tiny.yaml"))
    Path("tiny.yaml").write_text(RECIPE.replace("1e-3", "2e-3"))
    code, _, err = vaezoo("reproduce", "mlp-seed.tiny")
    assert code == 4 and wanted in err and recipe_hash(load_recipe("tiny.yaml")) in err


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"recipe": ""}, 3, "The card of 'mlp-seed.tiny' names no recipe. Ask its author."),
        ({"recipe": "nowhere.yaml"}, 3, "Expected the name of a recipe, or a YAML file, got 'nowhere'"),
        ({"evaluation": {}}, 2, "does not say how its scores were measured. It should have a key evaluation"),
        ({"stage": "second"}, 3, "The recipe 'tiny' has no stage 'second'. It has no stages."),
        ({"evaluation": {"seed": 0}}, 1, "is in none of the folders of $VAEZOO_DATA: none is set"),
    ],
)
def test_cards_that_cannot_be_reproduced(vaezoo, shelf, monkeypatch, change, code, message):
    monkeypatch.delenv("VAEZOO_DATA", raising=False)
    shelf(**change)
    found, _, err = vaezoo("reproduce", "mlp-seed.tiny")
    assert (found, message in err) == (code, True), err
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("model", "tag", "steps"),
    [
        ("denoise", "open", [14000, 4000, 5500, 4000, 5600, 1000, 6000, 1000, 700]),
        ("denoise-small", "open", [14000, 4000, 7200, 8000, 8000, 8000, 1000, 5200, 5000, 1000]),
        ("dejpeg", "open", [14000, 4000, 5500, 2200, 1300, 2200, 600, 6000, 600]),
        ("deblur", "open", [14000, 4000, 7200, 8000, 8000, 4000, 600, 450, 380, 1600]),
        ("sr", "open", [14000, 4000, 5500, 2000, 8500, 6500, 6000, 3600, 700, 5200, 700, 4700, 700]),
    ],
)
def test_a_card_of_several_stages_runs_them_all(model, tag, steps):
    from vaezoo.cli.reproduce import stages_of

    assert [stage.settings.steps for stage in stages_of(current_zoo().registry.cards_of(model)[tag])] == steps


def test_the_second_stage_starts_from_the_first(shelf, tmp_path):
    from safetensors.torch import load_file

    from vaezoo.cli.reproduce import run, stages_of

    Path("tiny.yaml").write_text(RECIPE + "stages: {first: {}, still: {steps: 1, optimizer: {lr: 0.0, final_lr: 0.0}}}")
    shelf(recipe_sha256=recipe_hash(load_recipe("tiny.yaml", stage="still")))
    stages = stages_of(current_zoo().registry.cards.get("mlp-seed.tiny"))
    weights, steps, total = run(stages, tmp_path / "out")
    assert (steps, total) == (4, 4) and weights == tmp_path / "out/still/ema.safetensors"
    before, after = (load_file(tmp_path / f"out/{name}/ema.safetensors") for name in ("first", "still"))
    assert all(before[name].equal(after[name]) for name in before)
    shelf(stage="first")
    assert len(stages_of(current_zoo().registry.cards.get("mlp-seed.tiny"))) == 1
