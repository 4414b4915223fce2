"""The whole way, from the command to a model: a broken server in place of the package that ships the weights."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import vaezoo
from vaezoo.errors import NetworkError
from vaezoo.store.schemes import from_package
from vaezoo.store.store import Store

from . import server as server_module
from .server import Faults

NAME = "conv-beta.fashion"
PACKAGE = "pkg://vaezoo_conv/weights/"


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real weights, which the server has instead of its usual file."""
    path = from_package(f"{PACKAGE}{NAME}.safetensors")
    assert path is not None
    monkeypatch.setattr(server_module, "BODY", path.read_bytes())
    monkeypatch.setattr(server_module, "HALF", path.stat().st_size // 2)
    monkeypatch.setenv("VAEZOO_TIMEOUT", "3")
    return path


def instead(monkeypatch: pytest.MonkeyPatch, server: Faults, *plays: str) -> None:
    """Sends whoever asks for the weights to the server."""
    monkeypatch.setenv("VAEZOO_MIRROR", f"{PACKAGE}{NAME}.safetensors={server.at(*plays)}")


def command(*arguments: str) -> subprocess.Popen[str]:
    """Begins a command that hears Ctrl-C, also where these tests run in the background and it would not."""
    return subprocess.Popen(
        [sys.executable, "-m", "vaezoo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.parametrize(
    ("play", "code", "said"),
    [
        ("good", 0, "ok"),
        ("cut_good", 0, "ok"),
        ("flip", 4, "instead of"),
        ("longer", 4, "more than the"),
        ("page", 5, "a web page instead of the file"),
        ("code_404", 5, "HTTP 404"),
        ("later_9999", 5, "asks to wait 9999 s"),
        ("offline", 6, "VAEZOO_OFFLINE is set"),
    ],
)
def test_fetch_ends_with_its_code_and_one_line(
    server: Faults, shipped: Path, monkeypatch: pytest.MonkeyPatch, play: str, code: int, said: str
) -> None:
    instead(monkeypatch, server, *(play.split("_") if play == "cut_good" else [play]))
    if play == "offline":
        monkeypatch.setenv("VAEZOO_OFFLINE", "1")
    process = command("fetch", NAME)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert said in out + err and "Traceback" not in out + err and len((out + err).splitlines()) == 1


def test_a_model_out_of_a_line_that_breaks(server: Faults, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off, then right: the model is the one that ships, to the last bit; wrong: there is no model."""
    right = vaezoo.create(NAME, pretrained=True).state_dict()
    for plays in (["reset", "good"], ["cut", "206lie", "good"], ["code_503", "good"]):
        instead(monkeypatch, server, *plays)
        model = vaezoo.create(NAME, pretrained=True)
        assert all(bool((value == right[name]).all()) for name, value in model.state_dict().items())
        assert model.origin.weights.path == Store().path_of(hashlib.sha256(shipped.read_bytes()).hexdigest())
        model.origin.weights.path.unlink()
    instead(monkeypatch, server, "page")
    with pytest.raises(NetworkError, match="a web page"):
        vaezoo.create(NAME, pretrained=True)


def test_interrupted_at_the_keyboard(server: Faults, shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends it without a traceback, and what had come is not asked for again."""
    half, size = server_module.HALF, len(server_module.BODY)
    instead(monkeypatch, server, "stall", "good")
    process = command("fetch", NAME)
    assert server.halfway.wait(50)
    end = time.monotonic() + 40
    while not any(p.stat().st_size == half for p in Store().folder.glob("partial/*.part")):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    err = process.communicate(timeout=30)[1]
    assert process.returncode == 1 and "Traceback" not in err and "Abort" in err
    process = command("fetch", NAME)
    assert process.wait(60) == 0
    assert server.seen[-1].range == f"bytes={half}-" and server.seen[-1].sent == size - half
