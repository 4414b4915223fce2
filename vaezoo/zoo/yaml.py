"""YAML, read safely: duplicate keys are refused and every key knows its line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError, suggest


class Lined(dict[str, Any]):
    """A mapping whose keys know their lines."""

    lines: dict[str, int]

    def section(self, key: str) -> Lined:
        """Returns the mapping under a key, empty where it is not there.

        Raises:
            ConfigError: Something else is there.
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
        """Refuses unknown and missing keys.

        Raises:
            ConfigError: One is; the message has its line and a suggestion.
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


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, with lines."""


def _construct(loader: Any, node: yaml.MappingNode) -> Lined:
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


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct)


def read_yaml(path: Path) -> Lined:
    """Returns the mapping in a file.

    Raises:
        ConfigError: The file cannot be read, is no YAML, repeats a key or is no mapping.
    """
    try:
        top = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}", value=str(path)) from error
    except ConfigError as error:
        raise ConfigError(f"{path}, {error}", value=error.value) from error
    if top is None:
        top = Lined()
        top.lines = {}
    if not isinstance(top, Lined):
        raise ConfigError(f"{path}: expected a mapping, got {type(top).__name__}.", value=str(path))
    return top
