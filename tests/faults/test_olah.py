"""``hf://`` against olah, a server of the hub's protocol that nobody here wrote, with a git repository of its own.

olah pins packages, so it lives in an environment of its own, ``.venv-olah``, which ``make olah`` makes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vaezoo.store.store import Store

from .conftest import files, told
from .nginx import free_ports, wait_for_port
from .proxy import Line, breaking
from .server import BODY, HALF, SHA256

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv-olah"
Spawn = Callable[..., subprocess.Popen[str]]
CONFIGURATION = """
[basic]
host = "127.0.0.1"
port = {port}
repos-path = "{folder}/cache"
mirror-netloc = "127.0.0.1:{port}"
mirror-lfs-netloc = "127.0.0.1:{port}"
mirrors-path = ["{folder}/mirrors"]
[accessibility]
offline = true
"""
BRANCHES = {"main": BODY, "spoilt": BODY[:HALF] + bytes([BODY[HALF] ^ 1]) + BODY[HALF + 1 :], "longer": BODY + b"more"}


class Olah:
    """The server, which can be killed and started again."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder, self.program = folder, program
        (self.port,) = free_ports(1)
        self.process: subprocess.Popen[str] | None = None
        self.commit = make_repository(folder / "mirrors" / "models" / "org" / "repo")
        (folder / "olah.toml").write_text(CONFIGURATION.format(folder=folder, port=self.port))

    def start(self) -> None:
        if self.process is None:
            command = [str(self.program), "-c", str(self.folder / "olah.toml")]
            with (self.folder / "out").open("a") as out:
                self.process = subprocess.Popen(command, cwd=self.folder, stdout=out, stderr=out, text=True)
            wait_for_port(self.process, self.port, 60)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


def make_repository(folder: Path) -> str:
    """Makes a repository with a branch for each content of the file, and returns the commit of main."""
    folder.mkdir(parents=True)
    identity = {f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull}

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    git("init", "-q")
    (folder / "sub").mkdir()
    for branch in reversed(BRANCHES):
        git("checkout", "-q", "--orphan", branch)
        (folder / "sub" / "w.safetensors").write_bytes(BRANCHES[branch])
        git("add", "-A")
        git("commit", "-q", "-m", branch)
    git("tag", "v1")
    return git("rev-parse", "HEAD")


@pytest.fixture(scope="session")
def olah(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Olah]:
    pytest.importorskip("huggingface_hub")
    if not shutil.which("git") or not shutil.which("make"):
        pytest.skip("needs git and make")
    done = subprocess.run(["make", "olah"], cwd=ROOT, capture_output=True, text=True, timeout=400)
    if done.returncode:
        pytest.skip(f"olah cannot be installed here: {done.stderr.strip()[-300:]}")
    server = Olah(tmp_path_factory.mktemp("olah"), PLACE / "bin" / "olah-cli")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def line(olah: Olah, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Line]:
    """The way to olah, which is where the hub is for this test; it breaks after half the file when told to."""
    olah.start()
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "3")
    with breaking(olah.port, HALF) as line:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{line.port}")
        yield line


def url(revision: str = "main", file: str = "sub/w.safetensors", repository: str = "org/repo") -> str:
    return f"hf://{repository}@{revision}/{file}"


@pytest.mark.parametrize("revision", ["main", "v1", "commit"])
def test_it_gives_the_file(olah: Olah, line: Line, store: Store, spawn: Spawn, revision: str) -> None:
    revision = olah.commit if revision == "commit" else revision
    assert told(spawn(url(revision))) == {"path": str(store.path_of(SHA256)), "sha256": SHA256}
    assert len(line.heads) == 1 and files(store, "partial") == []


def test_once_it_is_here_the_hub_is_not_asked(
    line: Line, store: Store, spawn: Spawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(spawn(url()))
    assert told(spawn(url(), guard=True))["sha256"] == SHA256
    for name in ("VAEZOO_OFFLINE", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
        assert told(spawn(url(), guard=True))["sha256"] == SHA256
        store.path_of(SHA256).unlink()
        said = told(spawn(url(), guard=True))
        assert said["error"] == "OfflineError" and f"{name} is set" in said["message"]
        monkeypatch.delenv(name)
        told(spawn(url()))


def test_what_the_hubs_own_cache_has_is_used_offline_and_hashed(
    line: Line, spawn: Spawn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = "import huggingface_hub as h; print(h.hf_hub_download('org/repo', 'sub/w.safetensors', revision={!r}))"
    for revision, expected in (("main", None), ("spoilt", "HashMismatch")):
        python = [sys.executable, "-c", script.format(revision)]
        subprocess.run(python, check=True, capture_output=True)
        with monkeypatch.context() as here:
            here.setenv("HF_HUB_OFFLINE", "1")
            here.setenv("VAEZOO_HOME", str(tmp_path / revision))
            assert told(spawn(url(revision), guard=True)).get("error") == expected


@pytest.mark.parametrize(
    ("revision", "error", "message"),
    [
        ("spoilt", "HashMismatch", f"{hashlib.sha256(BRANCHES['spoilt']).hexdigest()} instead of {SHA256}"),
        ("longer", "SizeMismatch", f"{len(BODY) + 4} bytes where {len(BODY)} were expected"),
    ],
)
def test_other_bytes_than_the_card_pins(
    line: Line, store: Store, spawn: Spawn, revision: str, error: str, message: str
) -> None:
    said = told(spawn(url(revision)))
    assert said["error"] == error and message in said["message"] and url(revision) in said["message"]
    assert files(store, "blobs") == []
    assert told(spawn(url(revision), url()))["sha256"] == SHA256


@pytest.mark.parametrize("missing", [url(file="sub/none.safetensors"), url("none"), url(repository="org/none")])
def test_what_it_has_not(line: Line, store: Store, spawn: Spawn, missing: str) -> None:
    said = told(spawn(missing))
    assert said["error"] == "NetworkError" and missing in said["message"] and "bring the file" in said["message"]
    assert files(store, "partial") == files(store, "blobs") == []
    assert told(spawn(missing, url()))["sha256"] == SHA256


def test_eight_processes_ask_it_once(line: Line, spawn: Spawn) -> None:
    processes = [spawn(url()) for _ in range(8)]
    assert {told(process)["sha256"] for process in processes} == {SHA256}
    assert len(line.heads) == 1


@pytest.mark.parametrize("fault", ["cut", "reset", "headonly", "flip", "stall"])
def test_the_way_to_it_breaks_once(line: Line, spawn: Spawn, fault: str) -> None:
    line.play(fault, "good")
    said = told(spawn(url(), url()))
    assert said.get("sha256") == SHA256, said


def test_it_is_killed_in_the_middle_and_comes_back(olah: Olah, line: Line, store: Store, spawn: Spawn) -> None:
    line.play("stall", "good")
    process = spawn(url())
    assert line.reached.wait(50)
    olah.kill()
    said = told(process)
    assert said["error"] == "NetworkError" and url() in said["message"]
    assert files(store, "blobs") == []
    olah.start()
    assert told(spawn(url()))["sha256"] == SHA256
    assert files(store, "partial") == []


def test_a_process_that_is_killed_in_the_middle(line: Line, store: Store, spawn: Spawn) -> None:
    """huggingface_hub does not resume across processes: what the dead one left is swept, not mixed."""
    line.play("stall", "good")
    process = spawn(url())
    assert line.reached.wait(50)
    process.kill()
    process.wait()
    assert told(spawn(url()))["sha256"] == SHA256
    assert line.ranges() == [None, None]
    assert files(store, "blobs") == [SHA256]
