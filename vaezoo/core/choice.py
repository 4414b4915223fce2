"""The one way in which a choice with options is said in a text, ``NAME`` or ``NAME(key=value, ...)``. No torch."""

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
    """Returns the name and the options: ``student-t(nu=4)`` is ``("student-t", {"nu": 4})``.

    A value is a number, a text, a list of such and so on, as Python writes them; a bare word is a text.

    Args:
        text: What is to be read.
        what: What it chooses, for messages, such as ``belief``.

    Raises:
        ConfigError: It is not of this form, an option has no name, or one is said twice.
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
        raise ConfigError(f"Expected every option of {what} by its name, got {text!r}.", hint=hint, value=text)
    if len(set(names)) < len(names):
        raise ConfigError(f"Expected every option of {what} once, got {text!r}.", value=text)
    return said["name"], {str(name): value for name, value in options}


def check_options(text: str, what: str, options: Mapping[str, Any], takes: Callable[..., Any], skip: int = 0) -> None:
    """Refuses options that a function has not, and numbers, words and truth values in each other's place.

    Args:
        text: What was said, for messages.
        what: What it chooses, for messages.
        options: As :func:`parse_choice` gave them.
        takes: The function, whose signature has the options.
        skip: How many of its first parameters are no options.

    Raises:
        ConfigError: One does not fit; the message names those that there are.
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
