"""Parsing of a choice with options: ``NAME`` or ``NAME(key=value, ...)``. No torch."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from vaezoo.errors import ConfigError

_TEXT = re.compile(r"\s*(?P<name>[\w./:-]+)\s*(?:\((?P<options>.*)\))?\s*", re.DOTALL)
_TYPES: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}


def parse_choice(text: str, what: str) -> tuple[str, dict[str, Any]]:
    """Parses a choice into its name and options: ``student-t(nu=4)`` is ``("student-t", {"nu": 4})``.

    A value is a Python literal, such as a number, a text or a list. A bare word is a text.

    Args:
        text: Text to parse.
        what: What the text chooses, for error messages, such as ``belief``.

    Raises:
        ConfigError: The text is not of this form, an option has no name, or an option is given twice.
    """
    said = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if said is None:
        raise ConfigError(f"Expected {what} as NAME or NAME(key=value), got {text!r}.", value=text)
    try:
        call = ast.parse(f"f({said['options'] or ''})", mode="eval").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise ValueError(text)
        options = [(word.arg, _plain(word.value)) for word in call.keywords]
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"Expected {what} as NAME(key=value) with plain values, got {text!r}.", value=text) from error
    names = [name for name, _ in options]
    if call.args or None in names:
        hint = f"Write {said['name']}(key=value)."
        raise ConfigError(f"Expected each option of {what} by name, got {text!r}.", hint=hint, value=text)
    if len(set(names)) < len(names):
        raise ConfigError(f"Expected each option of {what} at most once, got {text!r}.", value=text)
    return said["name"], {str(name): value for name, value in options}


def check_options(text: str, what: str, options: Mapping[str, Any], takes: Callable[..., Any], skip: int = 0) -> None:
    """Checks the options of a choice against a function's parameters: their names, and their types.

    Args:
        text: Text of the choice, for error messages.
        what: What the text chooses, for error messages.
        options: Options, as returned by :func:`parse_choice`.
        takes: Function with the options as parameters.
        skip: Number of leading parameters of the function that are not options.

    Raises:
        ConfigError: An option is unknown or has the wrong type. The message lists the known options.
    """
    known = list(inspect.signature(takes).parameters.values())[skip:]
    hints = get_type_hints(takes)
    kinds = {option.name: _TYPES.get(hints.get(option.name, Any), (object,)) for option in known}
    needed = {option.name for option in known if option.default is option.empty}
    fits = all(name in kinds and (kinds[name] == (object,) or type(v) in kinds[name]) for name, v in options.items())
    if not fits or needed - options.keys():
        raise ConfigError(
            f"Expected {what} as NAME(key=value) with options {', '.join(kinds) or 'none'}, got {text!r}.", value=text
        )


def _plain(node: ast.expr) -> Any:
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)
