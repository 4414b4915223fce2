"""The JSON Schema of a registry file. ``vaezoo schema`` prints it, and every file is parsed by it."""

from __future__ import annotations

from functools import cache
from typing import Any

from vaezoo.registry.cards import card_schema
from vaezoo.registry.kinds import KINDS, Kind

SLOTS = ("encoder", "prior", "decoder", "loss", "conditioner", "refine")
NAME = "[a-z0-9]+(-[a-z0-9]+)*"
"""Pattern of the names of parts and models: lower-case words joined by hyphens."""
TAG = "[A-Za-z0-9][A-Za-z0-9_-]*"
"""Pattern of tags of weights. They become part of file names, so they must not contain separators."""

_TEXT = {"type": "string"}
_CHOICE = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}},
    "required": ["name"],
    "description": "A part by its name, with parameters beside it.",
}
_NONE = {"type": "null"}

PART: dict[str, Any] = {
    "type": "object",
    "properties": {
        "target": {"type": "string", "minLength": 1, "description": "package.module:Class, imported when built."},
        "config": {
            "type": "string",
            "minLength": 1,
            "description": "package.module:Class, a frozen dataclass of its parameters with a method facts; where it "
            "is left out, the target is imported, and its constructor's annotation says it.",
        },
        "facts": {
            "type": "string",
            "minLength": 1,
            "description": "In place of config: the function of the same parameters that returns the facts.",
        },
        "summary": _TEXT | {"description": "One sentence."},
    },
    "required": ["target"],
    "additionalProperties": False,
}
DECLARED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "target": {"type": "string", "minLength": 1, "description": "package.module:name, imported when used."},
        "summary": _TEXT | {"description": "One sentence."},
    },
    "required": ["target"],
    "additionalProperties": False,
}
CONFIGURED: dict[str, Any] = {
    **DECLARED,
    "properties": {
        **DECLARED["properties"],
        "config": {
            "type": "string",
            "minLength": 1,
            "description": "package.module:Class, a frozen dataclass of its settings; where it is left out, the target "
            "is imported, and the annotation of config says it.",
        },
    },
}
_TEXTS = {"type": "array", "items": _TEXT}
_SET = ("kind", "paths", "url", "sha256", "licence")
DATA: dict[str, Any] = {
    "type": "object",
    "properties": {
        **DECLARED["properties"],
        "kind": {"enum": ["pictures", "idx", "bits"], "description": "What the file is, instead of a target."},
        "paths": _TEXTS | {"description": "Where it may lie in a folder of $VAEZOO_DATA."},
        "labels": _TEXTS | {"description": "The same of the file with the labels."},
        "url": _TEXT | {"description": "Where to get it."},
        "sha256": {"pattern": "^[0-9a-f]{64}$", "type": "string", "description": "Of the decoded content."},
        "licence": _TEXT,
        "split": _TEXT | {"description": "Of a file of bits: the array in it."},
        "leave_out": _TEXTS | {"description": "Stems of pictures that are not taken."},
    },
    "anyOf": [{"required": ["target"]}, {"required": list(_SET)}],
    "additionalProperties": False,
}
MODEL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "summary": _TEXT | {"description": "One sentence."},
        "task": _TEXT | {"description": "What it is for, such as generate or denoise."},
        "default_weights": _TEXT | {"description": "Tag of the weights that are taken where none is named."},
        "paper": _TEXT,
        "differs": _TEXT | {"description": "How it is not as in the paper."},
        "encodes": {"enum": ["input", "target"]},
        "shared": {"type": "object", "description": "Values for every part that has a parameter of that name."},
        **{slot: {"anyOf": [_TEXT, _CHOICE]} for slot in ("prior", "decoder", "loss")},
        **{slot: {"anyOf": [_TEXT, _CHOICE, _NONE]} for slot in ("encoder", "conditioner", "refine")},
    },
    "required": ["prior", "decoder", "loss"],
    "additionalProperties": False,
}

CASE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "params": {"type": "object", "description": "Overrides, as the keywords of vaezoo.create."},
        "cond": _TEXT | {"description": "package.module:function that makes conditions for a number of images."},
    },
    "required": ["model"],
    "additionalProperties": False,
}


def _body(kind: Kind) -> dict[str, Any]:
    """Returns the schema of one declaration of a kind."""
    if kind.name == "data":
        return DATA
    return CONFIGURED if kind.configured else DECLARED


@cache
def registry_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 2020-12) of a registry file."""
    name = {"pattern": f"^{NAME}$", "title": "a name of lower case words joined by hyphens"}
    tagged = {"pattern": f"^{NAME}\\.{TAG}$", "title": "a weight's name as arch.tag"}
    parts = {"type": "object", "propertyNames": name, "additionalProperties": PART}
    names = {"type": "object", "propertyNames": name, "additionalProperties": _TEXT}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A registry file of vaezoo",
        "type": "object",
        "properties": {
            "parts": {
                "type": "object",
                "properties": dict.fromkeys(SLOTS, parts),
                "additionalProperties": False,
            },
            "models": {"type": "object", "propertyNames": name, "additionalProperties": MODEL},
            "weights": {"type": "object", "propertyNames": tagged, "additionalProperties": card_schema()},
            "conformance": {
                "type": "array",
                "items": {"anyOf": [_TEXT, CASE]},
                "description": "What the contract kit is to test; all models of the file where it does not say.",
            },
            **{
                kind.section: {
                    "type": "object",
                    "propertyNames": name,
                    "additionalProperties": _body(kind),
                    "description": f"Each by name; its target is {kind.target}.",
                }
                for kind in KINDS.values()
            },
            "renamed": {
                "type": "object",
                "properties": dict.fromkeys((*SLOTS, "model", *KINDS), names),
                "additionalProperties": False,
                "description": "Old names, each with the one that took its place.",
            },
        },
        "additionalProperties": False,
    }
