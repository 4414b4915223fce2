"""Turning a run of ``vaezoo train`` into weights that a plugin ships, with their card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaezoo.errors import ConfigError, HashMismatch
from vaezoo.files.atomic import make_folder, write_whole
from vaezoo.release.cards import read_cards, write_card


@dataclass(frozen=True)
class Release:
    """Information about a run's weights that its record does not have and that cannot be measured.

    Attributes:
        tag: Tag of the weights, which are named ``MODEL.TAG``.
        licence: SPDX identifier of the licence of the weights.
        recipe: Name or path of the recipe. Empty means the name of the model.
        stage: Stage of the recipe. Empty means its last.
        half: Whether the weights are stored in half precision.
        command: Command that trained the weights. Empty means ``vaezoo train RECIPE``.
        nll: Number of importance samples for the likelihood of binary pixels. 0 measures only the bound.
        notes: Further remarks for readers of the card.
    """

    tag: str
    licence: str = "CC0-1.0"
    recipe: str = ""
    stage: str = ""
    half: bool = False
    command: str = ""
    nll: int = 100
    notes: str = ""


def release(run: Path, said: Release, registry: Path, package: Path) -> tuple[str, dict[str, Any]]:
    """Copies a run's averaged weights into a package, measures them, and writes their card into a registry file.

    Args:
        run: Folder of the run, with ``run.json`` and ``ema.safetensors``.
        said: Information that the record does not have.
        registry: Path of the registry file for the card.
        package: Folder of the package that ships the weights, in its subfolder ``weights``.

    Returns:
        Name and card of the weights.

    Raises:
        ConfigError: The folder has no finished run, or the registry file's cards were written by hand.
        DataMissing: The test set is in no folder of ``$VAEZOO_DATA``.
    """
    read_cards(registry)  # raises before anything is measured if the file cannot take a card
    try:
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        hint = "Name the folder that vaezoo train wrote."
        raise ConfigError(f"{run} holds no record of a run: {error}.", hint=hint, value=str(run)) from error
    name = f"{record['model']}.{said.tag}"
    path = package / "weights" / f"{name}.safetensors"
    save_weights(run, path, half=said.half)
    card = card_of(record, said, path, package.resolve().name)
    write_card(registry, name, card)
    return name, card


def save_weights(run: Path, path: Path, *, half: bool) -> None:
    """Writes a run's averaged weights, with floating-point tensors in half precision if requested.

    Raises:
        HashMismatch: The weights are not those that the run's record names.
    """
    from safetensors.torch import load, save

    from vaezoo.train.checkpoint import WEIGHTS, has_its_weights

    if not has_its_weights(run):
        raise HashMismatch(
            f"{run / WEIGHTS} is not as its run saved it.",
            hint="Run vaezoo train again with the same recipe and --out, which writes it anew from the checkpoint.",
            value=str(run / WEIGHTS),
        )
    tensors = load((run / WEIGHTS).read_bytes())
    if half:
        tensors = {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}
    make_folder(path.parent)
    write_whole(path, save(tensors))


def card_of(record: dict[str, Any], said: Release, path: Path, package: str) -> dict[str, Any]:
    """Makes the card of weights from the run's record, from what a person said, and from new measurements.

    Args:
        record: Content of ``run.json``.
        said: Information that the record does not have.
        path: Path of the weights.
        package: Name of the package that ships them.
    """
    from vaezoo.release.scores import scores_of
    from vaezoo.zoo.create import create
    from vaezoo.zoo.probe import probe

    content = path.read_bytes()
    model = create(record["model"], pretrained=path)
    scores, protocol, evaluation = scores_of(model, record["recipe"]["data"], said.nll)
    recipe = said.recipe or record["model"]
    without = ", no GPU" if "cores" in record["hardware"] else ""
    return {
        "urls": [f"pkg://{package}/weights/{path.name}"],
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "licence": said.licence,
        "data": record["data"],
        "recipe": recipe if recipe.endswith((".yaml", ".yml")) else f"recipes/{recipe}.yaml",
        **({"stage": said.stage} if said.stage else {}),
        "recipe_sha256": record["recipe_sha256"],
        "command": said.command or f"vaezoo train {recipe}",
        "seed": record["recipe"]["seed"],
        "steps": record["steps"],
        "hardware": f"{record['hardware']}{without}; processes: {record['processes']}",
        "cpu_hours": round(record["cpu_seconds"] * record["processes"] / 3600, 2),
        "scores": scores,
        "protocol": protocol,
        "evaluation": evaluation,
        "probe": list(probe(model)),
        **({"notes": said.notes} if said.notes else {}),
    }
