"""A model as a tree: all parts and values, each with its origin. Imports torch only to compute the cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from vaezoo.core.facts import ConditionerFacts, Grid, ModelFacts, checks
from vaezoo.errors import ConfigError
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.inspection.equivalent import python_of
from vaezoo.inspection.origins import bytes_of, environment, source_of, tensors_in
from vaezoo.registry.entries import HOUSE, USER
from vaezoo.registry.parameters import parameters_of
from vaezoo.registry.registry import split_name
from vaezoo.zoo.info import plain
from vaezoo.zoo.specs import ModelSpec, Overrides, PartSpec, Value, resolve
from vaezoo.zoo.weights import pick

MAX_SIDE = 2**16
"""Largest side of an image, in pixels. A larger one is probably a typing error."""


def explain(
    name: str,
    *,
    overrides: Overrides = (),
    size: tuple[int, int] | None = None,
    cost: bool = False,
    zoo: Zoo | None = None,
    **params: Any,
) -> dict[str, Any]:
    """Returns a model as a tree: each part, and each value with its origin. Runs the checks too.

    Args:
        name: Name of the model, as for :func:`vaezoo.create`.
        overrides: Overrides, as for :func:`vaezoo.create`.
        size: (H, W) of the image for shapes and cost. None means the model's own.
        cost: Whether to build the model and count parameters and multiply-accumulates; see
            :mod:`vaezoo.inspection.cost`. Only this imports torch.
        zoo: Zoo to look names up in. None means the installed zoo.
        **params: Overrides as keyword arguments.

    Returns:
        ``conditioner``, ``encoder``, ``prior``, ``decoder`` and ``loss``, each with its ``params``; ``shapes``,
        ``weights``, ``environment``, ``checks``, ``python`` and, if requested, ``cost``. JSON can hold all of it.

    Raises:
        VaezooError: As for :func:`vaezoo.create` with the same arguments.
        ConfigError: The size is impossible, or not the one that the model takes.
    """
    kept = zoo or current_zoo()
    spec = resolve(kept.registry, name, overrides, params)
    if tag := split_name(name)[1]:
        pick(kept.registry, spec.model.name, tag)
    size = checked_size(spec, size)
    versions = {plugin.name: plugin.version for plugin in kept.plugins}
    versions[HOUSE] = next((v for name, v in versions.items() if name.partition(":")[0] == HOUSE), "")
    cards = kept.registry.cards_of(spec.model.name)
    tree: dict[str, Any] = {
        "name": spec.model.name,
        "summary": spec.model.summary,
        "task": spec.model.task,
        "declared": str(spec.model.source),
        **_owner(spec.model.source.owner, versions),
        "encodes": {"value": spec.encodes, "origin": spec.origins["encodes"]},
        "shared": _values(spec.shared),
        **{slot: _part(spec, slot, versions) for slot in spec.parts},
        "shapes": _shapes(spec, size),
        "weights": {
            tag: {
                "urls": list(card.urls),
                "sha256": card.sha256,
                "size_bytes": card.size_bytes,
                "licence": card.licence,
                **bytes_of(card),
            }
            for tag, card in cards.items()
        },
        "environment": environment(),
        "checks": _checks(spec),
        "python": python_of(spec),
    }
    for tag, weight in tree["weights"].items():
        if weight["size_agrees"] is not None:
            asks = f"the file of the weights {tag!r} has the size on its card"
            tree["checks"].append({"asks": asks, "ok": weight["size_agrees"]})
    if cost:
        from vaezoo.inspection.cost import cost_of

        tree["cost"] = cost_of(spec, size)
        asks = "the parts, built and run, give the shapes that their facts say"
        said = _shapes(spec, tree["cost"]["size"])
        tree["checks"].append({"asks": asks, "ok": _as_said(said, tree["cost"]["stages"])})
        tensors, revisions = tree["cost"].pop("tensors"), tree["cost"].pop("revisions")
        for tag, weight in tree["weights"].items():
            if weight["path"] is not None:
                asks = f"the weights {tag!r} have the names and shapes of this model's tensors"
                tree["checks"].append({"asks": asks, "ok": revisions | tensors_in(weight["path"]) == tensors})
    return tree


def checked_size(spec: ModelSpec, size: tuple[int, int] | None) -> tuple[int, int] | None:
    """Returns the size for a model: the given one, else its own, else None.

    Raises:
        ConfigError: The size is impossible, or not the only one that the model takes.
    """
    own = next((p.facts.size for p in spec.parts.values() if p and getattr(p.facts, "size", None)), None)
    if size is None:
        return own or spec.default_size
    whole = isinstance(size, tuple | list) and all(isinstance(s, int) and not isinstance(s, bool) for s in size)
    if not whole or len(size) != 2 or not 1 <= min(size) <= max(size) <= MAX_SIDE:
        raise ConfigError(
            f"Expected size as (H, W), whole numbers from 1 to {MAX_SIDE}, got {size!r}.",
            hint="For example size=(28, 28), or --size 28x28.",
            value=size,
        )
    if own is not None and tuple(size) != own:
        raise ConfigError(
            f"Expected size {own}, the one that {spec.model.name!r} takes, got {tuple(size)}.",
            hint=f"Leave size out, or build it for another: image_size={list(size)}.",
            value=size,
        )
    return size[0], size[1]


def _owner(owner: str, versions: dict[str, str]) -> dict[str, Any]:
    """Returns an owner with its distribution and version; None for an owner in this process only."""
    distribution = None if owner == USER else owner.partition(":")[0]
    return {"owner": owner, "distribution": distribution, "version": versions.get(owner) or None}


def _values(values: dict[str, Value]) -> dict[str, Any]:
    return {key: {"value": value.value, "origin": value.origin} for key, value in values.items()}


def _part(spec: ModelSpec, slot: str, versions: dict[str, str]) -> dict[str, Any] | None:
    part = spec.parts[slot]
    if part is None:
        return None
    target, told = part.part.target, parameters_of(part.part)
    return {
        "name": part.part.name,
        "origin": spec.origins.get(slot, str(spec.model.source)),
        **_owner(part.part.source.owner, versions),
        "target": target if isinstance(target, str) else target.__qualname__,
        "source": source_of(target),
        "summary": part.part.summary,
        "params": {key: value | {"help": told[key].help} for key, value in _values(part.params).items()},
        "facts": plain(asdict(part.facts)),
    }


def _facts(part: PartSpec | None) -> Any:
    return part.facts if part else None


def _shapes(spec: ModelSpec, size: tuple[int, int] | None) -> dict[str, Any]:
    """Returns the shapes of one image's tensors, without the batch dimension. Without a size: texts such as H/8."""
    encoder, prior, decoder = (_facts(spec.parts[slot]) for slot in ("encoder", "prior", "decoder"))
    conditioner = _facts(spec.parts["conditioner"]) or ConditionerFacts()
    grids: list[Grid] = [*conditioner.features, *(encoder.grids if encoder else ()), prior.state, decoder.state]
    stride = math.lcm(*(grid.stride or 1 for grid in grids))
    padded = None if size is None else (-(-size[0] // stride) * stride, -(-size[1] // stride) * stride)

    def of(grid: Grid) -> list[int | str]:
        if grid.stride is None:
            return [grid.channels]
        if padded is None:
            return [grid.channels, *(side if grid.stride == 1 else f"{side}/{grid.stride}" for side in "HW")]
        return [grid.channels, *(-(-side // grid.stride) for side in padded)]

    picture = of(Grid(decoder.image_channels, 1))
    return {
        "size": None if size is None else list(size),
        "padded": None if padded is None else list(padded),
        "stride": stride,
        "picture": [decoder.image_channels, *size] if size else picture,
        "features": [of(grid) for grid in conditioner.features],
        "vector": conditioner.vector or None,
        "belief": {"kind": encoder.belief, "shapes": [of(grid) for grid in encoder.grids]} if encoder else None,
        "state": of(prior.state),
        "likelihood": {
            "kind": decoder.likelihood,
            "shape": [decoder.image_channels, *decoder.size] if decoder.size else _enlarged(picture, decoder.enlarges),
        },
    }


def _enlarged(picture: list[int | str], enlarges: Sequence[int]) -> list[int | str]:
    """Returns the shape of an image enlarged by the first of the factors, if there are any."""
    if not enlarges:
        return picture
    sides = [side * enlarges[0] if isinstance(side, int) else f"{enlarges[0]}·{side}" for side in picture[1:]]
    return [picture[0], *sides]


def _as_said(said: dict[str, Any], stages: dict[str, Any]) -> bool:
    """Says whether measured shapes agree with those of the facts, as far as both are known."""
    features = stages.get("conditioner", {}).get("shapes", {})
    belief = list(stages["encoder"]["shapes"].values()) if "encoder" in stages else []
    return (
        [shape for name, shape in features.items() if name.startswith("features")] == said["features"]
        and (not belief or belief == said["belief"]["shapes"])
        and stages["prior.sample"]["shapes"]["state"] == said["state"]
        and stages["decoder"]["shapes"]["image"] == said["likelihood"]["shape"]
    )


def _checks(spec: ModelSpec) -> list[dict[str, Any]]:
    """Returns all checks with their results. A model that was resolved has passed those of the validator."""
    values = sum(len(part.params) for part in spec.parts.values() if part)
    facts: dict[str, Any] = {slot: _facts(part) for slot, part in spec.parts.items()}
    names = {slot: part.part.name for slot, part in spec.parts.items() if part}
    answers = checks(ModelFacts(**facts, encodes=spec.encodes, names=names))
    return [
        {"asks": f"each of the {values} values is known and of its declared type", "ok": True},
        *({"asks": check.asks, "ok": not check.misfits} for check in answers),
    ]
