"""JSON Schemas made from type hints, and the check of values by a schema. So the two always agree.

`vaezoo.registry.declared` has the schema of registry files. Only the keywords of JSON Schema used there are supported.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from itertools import pairwise
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from vaezoo.errors import ConfigError, suggest
from vaezoo.files.yaml import Lined

Schema = dict[str, Any]
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
    "array": "a list",
    "object": "a mapping",
}


def schema_of(hint: Any) -> Schema:
    """Returns the schema of a type hint: scalars, tuples of one type, mappings, unions, dataclasses.

    ``Annotated[int, ("minimum", 0)]`` adds keywords of JSON Schema. Fields of a dataclass without a default are
    required. The ``Attributes`` of its docstring describe the fields.
    """
    if get_origin(hint) is Annotated:
        base, *notes = get_args(hint)
        return schema_of(base) | dict(notes)
    if is_dataclass(hint) and isinstance(hint, type):
        return _of_dataclass(hint)
    if hint in _TYPES:
        return {"type": _TYPES[hint]}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": schema_of(get_args(hint)[0])}
    if isinstance(get_origin(hint), type) and issubclass(get_origin(hint), Mapping):
        return {"type": "object", "additionalProperties": schema_of(get_args(hint)[1])}
    return {"anyOf": [schema_of(option) for option in get_args(hint)]}


def _of_dataclass(hint: type) -> Schema:
    hints = get_type_hints(hint, include_extras=True)
    told = attributes_of(hint)
    properties: Schema = {}
    needed = []
    for item in fields(hint):  # type: ignore[arg-type]
        properties[item.name] = {"description": told.get(item.name, "").replace("``", "")}
        properties[item.name] |= schema_of(hints[item.name])
        if item.default is MISSING and item.default_factory is MISSING:
            needed.append(item.name)
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def attributes_of(hint: type) -> dict[str, str]:
    """Returns the descriptions of a dataclass's fields, including inherited ones, by name.

    A field has a docstring of its own below it, or a line under ``Attributes`` of the class.
    """
    told: dict[str, str] = {}
    for each in reversed(hint.__mro__):
        text = inspect.cleandoc(each.__dict__.get("__doc__") or "").partition("Attributes:\n")[2]
        found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", text, re.M)
        told |= {name: " ".join(said.split()) for name, said in found}
        if set(inspect.get_annotations(each)) - set(told):
            told |= _below_fields(each)
    return told


def _below_fields(hint: type) -> dict[str, str]:
    """Returns the docstrings below a class's fields, read from its source; empty if there is no source."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(hint))).body[0]
    except (OSError, TypeError, SyntaxError):  # typed at a prompt, or made by a function
        return {}
    told = {}
    for field, text in pairwise(getattr(body, "body", ())):
        named = isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if named and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            told[field.target.id] = " ".join(str(text.value.value).split())
    return told


def conform(value: Any, schema: Schema, where: str, what: str = "it", line: int | None = None) -> None:
    """Raises if a value does not conform to a schema.

    Args:
        value: Value, as read by `vaezoo.files.yaml`.
        schema: Schema.
        where: Name of the file, for error messages.
        what: Name of the value, for error messages.
        line: Line of the value, if known.

    Raises:
        ConfigError: The value does not conform. The message has file and line.
    """
    at = where if line is None else f"{where}, line {line}"
    if "anyOf" in schema and "type" not in schema:
        fitting = [option for option in schema["anyOf"] if _is(value, option)]
        schema = fitting[0] if fitting else schema
    if not _is(value, schema):
        raise ConfigError(f"{at}: expected {what} as {_words(schema)}, got {value!r}.", value=value)
    if isinstance(value, Mapping):
        _conform_mapping(value, schema, where, what, line)
    elif isinstance(value, list | tuple):
        for item in value:
            conform(item, schema.get("items", {}), where, f"each of {what}", line)


def _conform_mapping(value: Mapping[str, Any], schema: Schema, where: str, what: str, line: int | None) -> None:
    lines = value.lines if isinstance(value, Lined) else {}
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    names = schema.get("propertyNames")
    for key in value:
        at = f"{where}, line {lines[key]}" if key in lines else where
        if names is not None and not _is(key, names):
            raise ConfigError(f"{at}: expected {_words(names)}, got {key!r}.", value=key)
        if key not in known and rest is False:
            raise ConfigError(f"{at}: unknown key {key!r}.", hint=suggest(key, known), value=key)
    missing = lacking(value, schema)
    if missing:
        at = where if line is None else f"{where}, line {line}"
        keys = f"the key{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}"
        raise ConfigError(f"{at}: expected {keys} in {what}.", value=missing)
    for key, item in value.items():
        conform(item, known.get(key, rest if isinstance(rest, dict) else {}), where, key, lines.get(key, line))


def lacking(value: Mapping[str, Any], schema: Schema) -> list[str]:
    """Returns the required keys that a mapping lacks. For alternatives, those of the last."""
    missing = [key for key in schema.get("required", ()) if key not in value]
    ways = [[key for key in way.get("required", ()) if key not in value] for way in schema.get("anyOf", ())]
    return missing if not ways or [] in ways else missing + ways[-1]


def _is(value: Any, schema: Schema) -> bool:
    """Says whether a value has the type of a schema, without checking its content."""
    if "anyOf" in schema and "type" not in schema:
        return any(_is(value, option) for option in schema["anyOf"])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    kinds = {
        "string": isinstance(value, str),
        "integer": number and value == value // 1,
        "number": number,
        "boolean": isinstance(value, bool),
        "null": value is None,
        "array": isinstance(value, list | tuple),
        "object": isinstance(value, Mapping),
    }
    return (
        kinds.get(schema.get("type", ""), True)
        and ("pattern" not in schema or re.fullmatch(schema["pattern"], value) is not None)
        and value in schema.get("enum", (value,))
        and ("minimum" not in schema or value >= schema["minimum"])
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("minLength" not in schema or len(value) >= schema["minLength"])
        and ("minItems" not in schema or len(value) >= schema["minItems"])
    )


def _words(schema: Schema) -> str:
    if "title" in schema:
        return str(schema["title"])
    if "anyOf" in schema:
        return " or ".join(_words(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(map(repr, schema["enum"]))
    least = f" of at least {schema['minimum']}" if "minimum" in schema else ""
    least += f" above {schema['exclusiveMinimum']}" if "exclusiveMinimum" in schema else ""
    empty = " that is not empty" if {"minLength", "minItems"} & schema.keys() else ""
    return _WORDS.get(schema.get("type", ""), "something else") + least + empty
