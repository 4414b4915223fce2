"""The fields of a configuration as options for users: name, type, default and help, read from a dataclass."""

from __future__ import annotations

import ast
import numbers
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any

from vaezoo.errors import ConfigError
from vaezoo.files.schema import attributes_of

_WORDS = {"bool": "flag", "float": "number", "int": "whole number", "Path": "file", "str": "text"}
_BASIC = {*_WORDS, "None"}


@dataclass(frozen=True)
class Option:
    """An option: one field of a configuration.

    Attributes:
        name: Name of the field.
        kind: Type: ``flag``, ``number``, ``whole number``, ``text``, ``choice`` or ``file``. Empty if the command line
            cannot express it.
        default: Default of the field; None if it has none.
        help: First sentence about the field under ``Attributes`` of the docstring.
        choices: Values of a ``choice``.
        closed: Whether the annotation allows nothing but ``kind`` and None.
        read: Function that turns a file's path into the value, or its name ``"package.module:function"``.
    """

    name: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    closed: bool = False
    read: str | Callable[..., Any] | None = None

    @property
    def flag(self) -> str:
        """Name of the option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    def plain(self) -> dict[str, Any]:
        """Returns the option as ``vaezoo info`` shows it."""
        return {"kind": self.kind or "Python only", "default": self.default, "help": self.help}

    def check(self, value: Any) -> None:
        """Raises if a value does not have the type of the field's annotation.

        Raises:
            ConfigError: The value has another type.
        """
        if not self.closed or value is self.default:
            return
        if self.choices:
            if value not in self.choices:
                known = " or ".join(self.choices)
                raise ConfigError(f"Expected {self.name} as {known}, got {value!r:.80}.", value=value)
        elif not _TYPES[self.kind](value):
            raise ConfigError(f"Expected {self.name} as a {self.kind}, got {value!r:.80}.", value=value)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool"  # NumPy's is no bool


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "flag": _is_flag,
    "number": lambda value: isinstance(value, numbers.Real) and not _is_flag(value),
    "whole number": lambda value: isinstance(value, numbers.Integral) and not _is_flag(value),
    "text": lambda value: isinstance(value, str),
    "file": lambda value: isinstance(value, str) or hasattr(value, "__fspath__"),
}


def options_of(configuration: type) -> list[Option]:
    """Returns the fields of a dataclass as options, in order.

    A field may have a function ``read`` in its metadata, which turns a path into the value. Its option is then a file.
    """
    told = attributes_of(configuration)
    return [_option(each, told.get(each.name, "")) for each in fields(configuration) if each.init]


def _option(field: Field[Any], said: str) -> Option:
    default = None if field.default is MISSING else field.default
    annotation = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
    if not isinstance(field.type, type | str):
        annotation = str(field.type)
    annotation = annotation.replace("typing.", "").replace("pathlib.", "")
    choices: tuple[str, ...] = ()
    if found := re.search(r"Literal(\[[^]]*\])", annotation):
        choices = tuple(str(choice) for choice in ast.literal_eval(found[1]))
        annotation = annotation.replace(found[0], "None")
    named = set(re.findall(r"\w+", annotation)) - {"Optional"}
    kind = "choice" if choices else next((kind for word, kind in _WORDS.items() if word in named), "")
    read = field.metadata.get("read")
    sentence = re.split(r"(?<=\.)\s", said)[0]
    return Option(field.name, "file" if read else kind, default, sentence, choices, not read and named <= _BASIC, read)
