"""Safe reading of YAML: a small subset in which every key has its line.

These are refused, with file and line: duplicate keys, keys that are not texts, tags, anchors and aliases (which can
expand a small file to any size), ``${…}``, numbers that are not finite, deep nesting, and bytes that are not UTF-8. A
date is read as a text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from vaezoo.errors import ConfigError, suggest
from vaezoo.files.reading import read_regular

_DEEPEST = 40
LARGEST = 8 * 2**20  # bytes; a registry file has some thousands
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Lined(dict[str, Any]):
    """A mapping that knows the line of each key."""

    lines: dict[str, int]

    def section(self, key: str) -> Lined:
        """Returns the mapping under a key; empty if the key is missing.

        Raises:
            ConfigError: The value is not a mapping.
        """
        value = self.get(key)
        if value is None:
            value = Lined()
            value.lines = {}
        if not isinstance(value, Lined):
            raise ConfigError(
                f"Expected a mapping under {key!r} (line {self.lines.get(key)}), got {value!r}.", value=value
            )
        return value

    def check(self, known: Iterable[str], where: str, needed: Iterable[str] = ()) -> None:
        """Raises for unknown and missing keys.

        Raises:
            ConfigError: A key is unknown or missing. The message has its line and a suggestion.
        """
        known = set(known)
        for key in self:
            if key not in known:
                raise ConfigError(
                    f"{where}, line {self.lines.get(key)}: unknown key {key!r}.",
                    hint=suggest(str(key), known),
                    value=key,
                )
        missing = sorted(set(needed) - set(self))
        if missing:
            raise ConfigError(
                f"{where}: expected the key{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}.", value=missing
            )


class _Loader(_BASE):  # type: ignore[misc]
    """The safe loader, with lines, without dates and merge keys."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if tag.rpartition(":")[2] not in ("timestamp", "merge")]
        for first, pairs in _BASE.yaml_implicit_resolvers.items()
    }


def _mapping(loader: Any, node: yaml.MappingNode) -> Lined:
    mapping = Lined()
    mapping.lines = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            raise ConfigError(f"line {line}: expected a text as key, got {key!r}.", hint="Put it in quotes.", value=key)
        if key in mapping:
            raise ConfigError(
                f"line {line}: the key {key!r} stands twice, first at line {mapping.lines[key]}.", value=key
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
        mapping.lines[key] = line
    return mapping


def _number(loader: Any, node: yaml.ScalarNode) -> float:
    number = float(loader.construct_yaml_float(node))
    if not math.isfinite(number):
        line = node.start_mark.line + 1
        raise ConfigError(f"line {line}: expected a finite number, got {node.value}.", value=node.value)
    return number


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _number)


def read_yaml(path: Path) -> Lined:
    """Reads the mapping in a file.

    Raises:
        ConfigError: The file cannot be read, is not YAML, has something that is refused here, or is not a mapping.
    """
    try:
        content = read_regular(path, LARGEST)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", value=str(path)) from error
    try:
        return parse_yaml(content)
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}", value=error.value) from error


def parse_yaml(content: bytes) -> Lined:
    """Reads the mapping in a file's bytes; raises as :func:`read_yaml` does, without the file's name."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"line {_line(content, error.start)}: {error}.", hint="Save it as UTF-8.", value=error.reason
        ) from error
    try:
        check_plain(text)
        top = yaml.load(text, Loader=_Loader)
    except yaml.reader.ReaderError as error:
        line = _line(text, error.position)
        raise ConfigError(f"line {line}: the character #x{error.character:04x} is not allowed.", value=line) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cause = " ".join(filter(None, (error.context, error.problem)))
        raise ConfigError(f"line {mark.line + 1 if mark else '?'}: {cause}.", value=cause) from error
    except (yaml.YAMLError, ValueError) as error:  # such as a number of 5000 digits
        raise ConfigError(f"line 1 or later: {' '.join(str(error).split())}.", value=str(error)) from error
    if top is None:
        top = Lined()
        top.lines = {}
    if not isinstance(top, Lined):
        raise ConfigError(f"line 1: expected a mapping, got {type(top).__name__}.", value=top)
    return top


def _line(text: str | bytes, position: int) -> int:
    newline: Any = b"\n" if isinstance(text, bytes) else "\n"
    return text.count(newline, 0, position) + 1


def check_plain(text: str) -> None:
    """Refuses what no file or setting needs, before anything is built from a text of YAML.

    Raises:
        ConfigError: The text has an anchor, an alias, a tag or ``${…}``, or is nested too deep.
        yaml.YAMLError: It is not YAML.
    """
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_BASE):
        line = event.start_mark.line + 1
        if getattr(event, "anchor", None):
            raise ConfigError(
                f"line {line}: anchors and aliases are not used here, got {event.anchor!r}.",
                hint="Write it out.",
                value=event.anchor,
            )
        if getattr(event, "tag", None):
            raise ConfigError(
                f"line {line}: tags are not used here, got {event.tag!r}.", hint="Leave it out.", value=event.tag
            )
        if isinstance(event, yaml.ScalarEvent) and "${" in event.value:
            raise ConfigError(
                f"line {line}: expected plain values, got {event.value!r}.",
                hint="Nothing is filled in for ${…}: write the value.",
                value=event.value,
            )
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ConfigError(f"line {line}: expected at most {_DEEPEST} levels, got more.", value=depth)
