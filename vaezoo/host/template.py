"""Writing a new plugin from the templates that ship with vaezoo. There is a template for each kind."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template

from vaezoo.errors import ConfigError, suggest
from vaezoo.registry.entries import HOUSE

TEMPLATES = Path(__file__).parents[1] / "template"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def kinds_of_plugin() -> list[str]:
    """Lists the kinds of plugin that there is a template for, such as ``model`` and ``task``."""
    return sorted(folder.name for folder in TEMPLATES.iterdir() if any(folder.glob("*.in")))


def write_plugin(target: str | Path, kind: str = "model") -> list[Path]:
    """Writes a small plugin that builds, installs and passes its tests.

    Args:
        target: Name of the plugin, such as ``acme``, or a folder whose last part is ``vaezoo-acme`` or ``acme``.
        kind: Kind of plugin, one of :func:`kinds_of_plugin`.

    Returns:
        Paths of the written files, all in a new folder ``vaezoo-NAME``.

    Raises:
        ConfigError: The name is not lower-case words joined by hyphens, the folder exists and is not empty, or the kind
            is unknown.
    """
    if kind not in (kinds := kinds_of_plugin()):
        raise ConfigError(f"Expected a kind of plugin, got {kind!r}.", hint=suggest(str(kind), kinds), value=kind)
    target = Path(target)
    name = target.name.removeprefix("vaezoo-")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"Expected a plugin's name of lower case words joined by hyphens, got {target.name!r}.", value=target.name
        )
    folder = target.with_name(f"vaezoo-{name}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists already.", hint="Choose another name or folder.", value=str(folder))
    package = "vaezoo_" + name.replace("-", "_")
    if find_spec(package) is not None:
        message = f"The package {package} is installed already, and a plugin {name!r} would replace it."
        raise ConfigError(message, hint="Choose another name.", value=name)
    camel = "".join(word.title() for word in name.split("-"))
    words = {"name": name, "package": package, "camel": camel, "version": sys.modules[HOUSE].__version__}
    source = TEMPLATES / kind
    written = []
    for file in sorted(source.rglob("*.in")):
        relative = file.relative_to(source).with_suffix("")
        path = folder.joinpath(*(package if part == "package" else part for part in relative.parts))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(file.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
        written.append(path)
    return written
