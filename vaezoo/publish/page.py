"""The page that is published with weights: the content of their card as text and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vaezoo.publish.saving import WEIGHTS
from vaezoo.registry.cards import Card
from vaezoo.registry.evaluation import evaluation_of


def page(card: Card, summary: str, url: str, *, own_model: bool) -> str:
    """Returns a README in Markdown, with the front matter that the hub reads.

    Args:
        card: Card of the weights.
        summary: One sentence that describes the model.
        url: URL of the weights.
        own_model: Whether the model is not registered anywhere, so that its description comes with the weights.
    """
    arch = card.name.partition(".")[0]
    lines = ["---", f"license: {_hub_licence(card.licence)}", "library_name: vaezoo", "tags: [vaezoo, vae]", "---", ""]
    lines += [f"# {card.name}", "", summary or f"Weights of the model `{arch}`.", ""]
    lines += ["```python", *_usage(arch, url, own_model), "```", ""]
    lines += [f"Licence: {card.licence}. {card.size_bytes} bytes, sha256 `{card.sha256}`.", ""]
    if card.data:
        lines += ["## Data", "", "| set | licence | images | sha256 |", "|---|---|---|---|"]
        lines += [
            f"| {d['set']} | {d['licence']} | {d.get('images', '')} | `{d.get('sha256', '')}` |" for d in card.data
        ]
        lines.append("")
    lines += ["## Training", "", _training(card)]
    lines += ["", card.notes, ""] if card.notes else [""]
    if card.scores:
        lines += ["## Scores", "", card.protocol, ""]
        if card.evaluation:
            lines += [f"Measured by `{evaluation_of(card.evaluation).command(card.name)}`.", ""]
        lines += [*_scores(card.scores, card.baselines), ""]
    return "\n".join(lines)


def _training(card: Card) -> str:
    if card.publisher:
        return f"Trained and published by others: <{card.publisher}>."
    return (
        f"`{card.command}`, {card.steps} steps, seed {card.seed}, {card.cpu_hours} processor hours on {card.hardware}. "
        f"Recipe {card.recipe}{f', stage {card.stage}' if card.stage else ''}, sha256 `{card.recipe_sha256}`."
    )


def _usage(arch: str, url: str, own_model: bool) -> list[str]:
    if url.startswith("hf://"):
        repository, _, rest = url.removeprefix("hf://").partition("@")
        revision = rest.partition("/")[0]
        call, file = ("snapshot_download", "") if own_model else ("hf_hub_download", f', "{WEIGHTS}"')
        source = f'{call}("{repository}"{file}, revision="{revision}")'
        first = f"import vaezoo; from huggingface_hub import {call}"
    else:
        source, first = ('"."' if own_model else f'"{WEIGHTS}"'), "import vaezoo"
    made = f"vaezoo.load({source})" if own_model else f'vaezoo.create("{arch}", pretrained={source})'
    return [first, f"model = {made}"]


def _scores(scores: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> list[str]:
    head = ["score", "this", *others]
    rows = [[name, value, *(other.get(name, "–") for other in others.values())] for name, value in scores.items()]
    return ["| " + " | ".join(map(str, row)) + " |" for row in (head, ["---"] * len(head), *rows)]


def _hub_licence(licence: str) -> str:
    """Returns a licence as the hub spells it: lower case with hyphens. Any other text becomes ``other``."""
    word = licence.lower().replace(" ", "-")
    known = word.startswith(("mit", "apache-2.0", "bsd-", "cc0-1.0", "cc-by-", "openrail"))
    return word if known else "other"
