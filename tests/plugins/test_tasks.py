"""First-party tasks keep what the kit asks of every task."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vaezoo_deblur.deblur import Deblur

from vaezoo.restore import Example
from vaezoo.testing import TaskContract


class TestDenoise(TaskContract):
    task = "denoise"
    level = 25
    wrong = ({"sigma": -1}, {"sigma": float("nan")}, {"luma": 4}, {"boost": -1})


class TestDejpeg(TaskContract):
    task = "dejpeg"
    wrong = ({"expected": -1}, {"expected": float("inf")})


class TestSuperResolve(TaskContract):
    task = "sr"
    wrong = ({"factor": 1}, {"factor": 17}, {"size": "large"}, {"megapixels": 0}, {"factor": 2, "size": "30x"})


class TestDeblur(TaskContract):
    """In two turns instead of eight, which costs a quarter of the time."""

    task = "deblur"
    wrong = ({"kernel": [[2.0]]}, {"kernel": [[1.0]], "iterations": 0}, {"kernel": [[1.0]], "perturb": 3})

    def example(self, *arguments: Any, **more: Any) -> Example:
        found = super().example(*arguments, **more)
        assert isinstance(found.task, Deblur)
        return found._replace(task=replace(found.task, iterations=2))


class TestBlindDeblur(TaskContract):
    task = "blind-deblur"
    wrong = ({"sigma": -1},)


class TestLowlight(TaskContract):
    task = "lowlight"
    wrong = ({"sigma": -1},)
