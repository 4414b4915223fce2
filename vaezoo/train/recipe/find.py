"""Finding a recipe's file: a path, a recipe that ships with vaezoo, or one of a plugin."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import yaml

from vaezoo.errors import BackendUnavailable, ConfigError, UnknownName, suggest
from vaezoo.host.kinds import at_its_own_risk, names_of
from vaezoo.host.manager import current_zoo
from vaezoo.registry.entries import Service


def find_recipe(name: str) -> Path:
    """Returns the file of a recipe.

    Args:
        name: Path of a YAML file, name of a recipe that ships with vaezoo, or name of a plugin's recipe, alone or as
            ``plugin/name``.

    Raises:
        UnknownName: The recipe is unknown. If it has become a stage of another recipe, the message names it.
        DuplicateName: Two plugins declare the name.
        BackendUnavailable: A plugin declares the recipe, but its package or file is missing.
    """
    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        return Path(name)
    shipped = {path.stem: path for folder in _folders() for path in folder.glob("*.yaml")}
    if name in shipped:
        return shipped[name]
    declared = current_zoo().registry.kinds["recipe"]
    if name.rpartition("/")[2] in declared.entries:
        return _file_of(name, declared.get(name))
    for recipe, stage in _splits(name):
        if recipe in shipped and stage in _stages_in(shipped[recipe]):
            raise UnknownName(
                f"The recipe {name!r} is a stage of another one now: {recipe}, stage {stage}.",
                hint=f"Run vaezoo train {recipe}, or this stage alone: vaezoo train {recipe} --stage {stage}.",
                value=name,
            )
    raise UnknownName(
        f"Expected the name of a recipe, or a YAML file, got {name!r}.", hint=suggest(name, recipe_names()), value=name
    )


def recipe_names() -> list[str]:
    """Lists the names of all recipes that ship with vaezoo or that plugins declare, sorted."""
    return names_of("recipe")


def _folders() -> tuple[Path, ...]:
    package = Path(__file__).parents[2]
    return package / "recipes", package.parent / "recipes"  # of an installed package, and of the repository


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yields every split of a name at a hyphen."""
    words = name.split("-")
    for count in range(len(words) - 1, 0, -1):
        yield "-".join(words[:count]), "-".join(words[count:])


def _stages_in(path: Path) -> list[str]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return list(content.get("stages") or {})


def _file_of(name: str, entry: Service) -> Path:
    """Returns the file that a declaration names as ``package:path``."""
    target = str(entry.target)
    package, _, inside = target.partition(":")
    if not isinstance(entry.target, str) or not package or not inside or ".." in Path(inside).parts:
        message = (
            f"The recipe {name!r} of {entry.source.owner} should name a YAML file as package:path, not {target!r}."
        )
        raise ConfigError(message, hint="Ask the plugin's author.", value=target)
    with at_its_own_risk("recipe", name, entry.source.owner):
        try:
            path = Path(str(files(package).joinpath(inside)))
        except ImportError as error:
            message = f"The recipe {name!r} needs the package {package!r}, which cannot be imported: {error}."
            raise BackendUnavailable(message, value=target) from error
    if not path.is_file():
        raise BackendUnavailable(f"The recipe {name!r} is {target}, but there is no such file.", value=target)
    return path
