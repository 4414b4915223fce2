"""``hf://``: what huggingface_hub returns is hashed like everything else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vaezoo.errors import WeightsError
from vaezoo.store.store import Store
from vaezoo.zoo.weights import locate

from .conftest import card, files, told
from .server import SHA256, Faults

URL = "hf://org/repo@main/sub/w.safetensors"
PATH = "/org/repo/resolve/main/sub/w.safetensors"


@pytest.fixture(autouse=True)
def hub(server: Faults, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")


def test_a_file_of_the_hub_is_kept_in_the_store(
    server: Faults, store: Store, spawn: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.plays[PATH] = ["hub_right"]
    assert told(spawn(URL)) == {"path": str(store.path_of(SHA256)), "sha256": SHA256}
    assert files(store, "partial") == []
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert told(spawn(URL, guard=True))["sha256"] == SHA256


def test_a_flipped_file_of_the_hub_is_refused_and_does_not_stay(
    server: Faults, store: Store, spawn: Callable[..., subprocess.Popen[str]]
) -> None:
    server.plays[PATH] = ["hub_wrong"]
    said = told(spawn(URL))
    assert said["error"] == "HashMismatch" and "instead of" in said["message"]
    server.plays[PATH] = ["hub_right"]
    assert told(spawn(URL))["sha256"] == SHA256


def test_a_hub_that_has_it_not(server: Faults, spawn: Callable[..., subprocess.Popen[str]]) -> None:
    said = told(spawn(URL))
    assert said["error"] == "NetworkError" and URL in said["message"]


def test_without_huggingface_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(Exception, match=r"pip install 'vaezoo\[hub\]'"):
        locate(card(URL))


@pytest.mark.parametrize("url", ["hf://repo", "hf://org/repo/w", "hf://org/repo@main", "hf://org/repo@main/../w"])
def test_a_url_of_another_form(url: str) -> None:
    with pytest.raises(WeightsError, match="expected hf://organisation/repository@revision/path"):
        locate(card(url))
