"""A cache of its own for each test, a server, and cards that point at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vaezoo.registry.cards import Card
from vaezoo.store import download
from vaezoo.store.store import Store

from .server import BODY, SHA256, Faults, serving

WORKER = Path(__file__).with_name("worker.py")
FAST = download.Patience(timeout_s=2, tries=3, pause_s=0.01, longest_s=2)
VARIABLES = "VAEZOO_OFFLINE HF_HUB_OFFLINE VAEZOO_MIRROR VAEZOO_SEEDS VAEZOO_TIMEOUT HTTPS_PROXY https_proxy"
VARIABLES += " HTTP_PROXY http_proxy ALL_PROXY all_proxy NO_PROXY no_proxy"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(WORKER.parent):
            item.add_marker("faults")


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name in VARIABLES.split():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAEZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(download, "patience", lambda: FAST)
    return Store()


@pytest.fixture
def server() -> Iterator[Faults]:
    with serving() as faults:
        yield faults


def card(*urls: str, sha256: str = SHA256, size: int = len(BODY)) -> Card:
    return Card(
        "small.tag", urls, sha256, size, "CC0-1.0", (), recipe="none", recipe_sha256="0" * 64, command="none",
        hardware="none",
    )  # fmt: skip


def files(store: Store, where: str) -> list[str]:
    """The files in a folder of the cache, less the locks, notes and drafts of notes that may stay."""
    found = (store.folder / where).glob("*") if (store.folder / where).is_dir() else ()
    return sorted(p.name for p in found if p.suffix not in (".lock", ".json", ".tmp"))


@pytest.fixture
def spawn() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts processes that locate a card; see worker.py for what can befall them."""
    begun: list[subprocess.Popen[str]] = []

    def start(*urls: str, **options: Any) -> subprocess.Popen[str]:
        said = json.dumps({"urls": urls, "sha256": SHA256, "size": len(BODY), **options})
        path = os.pathsep.join(p for p in sys.path if p)
        process = subprocess.Popen(
            [sys.executable, str(WORKER), said],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a process said at its end."""
    out, err = process.communicate(timeout=50)
    assert process.returncode == 0, err
    return dict(json.loads(out))
