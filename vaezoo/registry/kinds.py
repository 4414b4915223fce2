"""Kinds of things that are declared by name and target alone: all that a zoo has beside parts, models and weights."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of thing that anybody can declare, by a registry file, the hook ``vaezoo_declarations`` or a decorator.

    Attributes:
        name: In errors and on the command line, such as ``task``.
        section: Name of its section in registry files, and in ``vaezoo list --kind``, such as ``tasks``.
        target: What ``package.module:name`` has to name, for people.
    """

    name: str
    section: str
    target: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("task", "tasks", "a dataclass that inherits vaezoo.restore.task.Task"),
        Kind("damage", "damages", "a function that damages patches in training, see vaezoo.train.damages"),
        Kind("metric", "metrics", "a function of result and truth that returns a number an image"),
        Kind("data", "data", "a function that returns pictures, see vaezoo.data.sets"),
        Kind("optimizer", "optimizers", "a function of parameters and settings that returns a torch optimizer"),
        Kind("schedule", "schedules", "a function of step, steps and settings that returns a learning rate"),
        Kind("recipe", "recipes", "a YAML file in a package, as package:path"),
        Kind("likelihood", "likelihoods", "a class that inherits vaezoo.core.LikelihoodKind"),
        Kind("belief", "beliefs", "a function that returns a vaezoo.core.beliefs.BeliefKind"),
    )
}
