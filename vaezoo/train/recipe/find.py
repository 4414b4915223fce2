"""Finding a recipe's file."""

from __future__ import annotations

from pathlib import Path

from vaezoo.errors import UnknownName, suggest


def find_recipe(name: str) -> Path:
    """Returns the file of a recipe: a path as it is, a name from the installed package or the repository."""
    if name.endswith((".yaml", ".yml")) and Path(name).is_file():
        return Path(name)
    package = Path(__file__).parents[2]
    folders = (package / "recipes", package.parent / "recipes")
    for folder in folders:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    known = [path.stem for folder in folders for path in folder.glob("*.yaml")]
    raise UnknownName(f"No recipe and no YAML file {name!r}.", hint=suggest(name, known), value=name)
