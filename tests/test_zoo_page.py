"""The page of all models is the registry's, and has the like of every model that other collections have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks.pages.zoo import FAMILIES, PAGE, PEERS, family, page, told
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.zoo.specs import resolve

LISTED = {"pythae": 26, "PyTorch-VAE": 21, "autoencoders": 27}
"""Models of each collection, counted in the releases that docs/peers.yaml names."""


def peers() -> dict[str, dict[str, str]]:
    return {peer: about["models"] for peer, about in yaml.safe_load(PEERS.read_text(encoding="utf-8")).items()}


def test_the_page_is_the_registrys() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m benchmarks.pages.zoo"


def test_every_list_is_whole() -> None:
    assert {peer: len(models) for peer, models in peers().items()} == LISTED


@pytest.mark.parametrize(
    ("peer", "theirs", "ours"), [(peer, *pair) for peer, models in peers().items() for pair in models.items()]
)
def test_every_model_of_others_has_its_like(peer: str, theirs: str, ours: str) -> None:
    known = {name for name, _, _ in current_zoo().registry.models.all()}
    assert ours in known, f"{peer} has {theirs}, and there is no {ours!r}"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "bound"),
        ({"loss": {"name": "beta", "beta": 2.0}}, "loss"),
        ({"prior": "mixture"}, "prior"),
        ({"prior": {"name": "vq", "entries": 8}}, "codes"),
        ({"encoder": {"name": "mlp", "belief": "dirac"}, "loss": "wae-mmd"}, "point"),
        ({"conditioner": "labels"}, "condition"),
        ({"task": "denoise"}, "restore"),
    ],
)
def test_a_model_stands_under_its_first_part_that_is_not_plain(body: dict[str, object], where: str) -> None:
    zoo = Zoo()
    plain = {"encoder": "mlp", "prior": "normal", "decoder": "mlp", "loss": "elbo"}
    zoo.registry.add_model("trial", {**plain, "shared": {"latent_channels": 4}, **body})
    assert family(resolve(zoo.registry, "trial")) == where
    assert where in FAMILIES


def test_parts_are_told_as_declared() -> None:
    body = {"prior": "normal", "loss": {"name": "beta", "beta": 2.0}, "encoder": {"name": "mlp", "hidden": [8, 4]}}
    assert told(body) == "encoder **mlp** (hidden 8×4)<br>prior **normal**<br>loss **beta** (beta 2.0)"


def test_the_page_needs_no_torch() -> None:
    code = "import sys, benchmarks.pages.zoo; benchmarks.pages.zoo.page(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
