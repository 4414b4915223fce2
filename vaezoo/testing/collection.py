"""The pytest plugin for ``pytest --vaezoo-plugin NAME``, which tests a plugin with its models and tasks without a file.

pytest loads this module at every start if vaezoo is installed, so it imports torch only when it is used.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from vaezoo.errors import suggest

CONFORMANCE = Path(__file__).with_name("conformance.py")
_CHOSEN = pytest.StashKey[list[str]]()
_RUNNING: list[pytest.Config] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option."""
    parser.getgroup("vaezoo").addoption(
        "--vaezoo-plugin",
        action="append",
        metavar="NAME",
        default=[],
        help="test this vaezoo plugin, its models and its tasks: an entry point, or distribution:entry-point",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Finds the named plugins and adds their contracts to the tests to collect."""
    names = config.getoption("--vaezoo-plugin")
    if not names:
        return
    from vaezoo.host.manager import plugins

    found = plugins()
    chosen = []
    for name in names:
        matches = [p.name for p in found if name in (p.name, p.short)]
        if len(matches) != 1:
            said = f"Say one of {', '.join(matches)}." if matches else suggest(name, [p.short for p in found])
            raise pytest.UsageError(f"--vaezoo-plugin: expected an installed plugin of vaezoo, got {name!r}. {said}")
        chosen += matches
    config.stash[_CHOSEN] = chosen
    _RUNNING.append(config)
    given = config.args_source is pytest.Config.ArgsSource.ARGS
    if str(CONFORMANCE) not in {argument.partition("::")[0] for argument in config.args}:
        config.args[:] = [*(config.args if given else ()), str(CONFORMANCE)]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Forgets the session at its end."""
    if config in _RUNNING:
        _RUNNING.remove(config)


def contracts() -> dict[str, type]:
    """Returns test classes for the session: one for each named plugin, each of its cases and each of its tasks."""
    from vaezoo.host.manager import current_zoo
    from vaezoo.testing.model import ModelContract
    from vaezoo.testing.plugin import PluginContract
    from vaezoo.testing.task import TaskContract

    classes: dict[str, type] = {}
    for config in _RUNNING[-1:]:
        for plugin in config.stash[_CHOSEN]:
            short = _camel(plugin.rpartition(":")[2])
            name = f"TestPlugin{short}"
            classes[name] = type(name, (PluginContract,), {"plugin_name": plugin})
            for number, case in enumerate(current_zoo().cases.get(plugin, ()), 1):
                name = f"Test{short}{number}{_camel(case.model)}"
                body: dict[str, Any] = {"model": case.model, "params": case.params}
                if case.cond:
                    body["cond"] = staticmethod(partial(_conditions, case.cond))
                classes[name] = type(name, (ModelContract,), body)
            for task, owner, _ in current_zoo().registry.kinds["task"].all():
                if owner == plugin:
                    name = f"Test{short}Task{_camel(task)}"
                    classes[name] = type(name, (TaskContract,), {"task": f"{owner}/{task}"})
    return classes


def _conditions(target: str, images: int) -> dict[str, Any]:
    from vaezoo.registry.target import load_object

    return dict(load_object(target, "The conformance case")(images))


def _camel(text: str) -> str:
    return "".join(word.title() for word in re.split(r"[^a-zA-Z0-9]+", text))
