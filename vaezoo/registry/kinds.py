"""Kinds of declarations beside parts, models and weights. Each is declared by a name and a target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of thing that anybody can declare: by a registry file, the hook ``vaezoo_declarations`` or a decorator.

    Attributes:
        name: Name in errors and on the command line, such as ``task``.
        section: Name of its section in registry files, and in ``vaezoo list --kind``, such as ``tasks``.
        target: What the target must be, in words.
        configured: Whether it may have a configuration, which a recipe fills in beside the name.
    """

    name: str
    section: str
    target: str
    configured: bool = False


KINDS = {
    kind.name: kind
    for kind in (
        Kind("task", "tasks", "a dataclass that inherits vaezoo.restore.task.Task"),
        Kind("damage", "damages", "a function that damages patches in training, see vaezoo.train.damages", True),
        Kind("metric", "metrics", "a function of result and truth that returns a number an image"),
        Kind("data", "data", "a function that returns pictures, see vaezoo.data.sets"),
        Kind("optimizer", "optimizers", "a function of parameters and settings that returns a torch optimizer", True),
        Kind("schedule", "schedules", "a function of step, steps and settings that returns a learning rate", True),
        Kind("recipe", "recipes", "a YAML file in a package, as package:path"),
        Kind("likelihood", "likelihoods", "a class that inherits vaezoo.core.LikelihoodKind"),
        Kind("belief", "beliefs", "a function that returns a vaezoo.core.beliefs.BeliefKind"),
    )
}
