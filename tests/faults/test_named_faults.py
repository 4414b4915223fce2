"""Surroundings that are not as they should be: one named error each, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vaezoo.core.machine.device import find_device
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.host.find import in_folders
from vaezoo.host.settings import settings_file
from vaezoo.registry.registry import Registry
from vaezoo.store.store import home, seeds
from vaezoo.train.ranks import join_ranks
from vaezoo.zoo.create import create


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_an_answer_that_cannot_be_written() -> None:
    command = [sys.executable, "-m", "vaezoo", "--help"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("vaezoo: The output cannot be written: No space left on device.")


@pytest.mark.skipif(os.name == "nt", reason="a folder in use cannot be removed")
def test_a_working_folder_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = "import os, sys; from vaezoo.cli import main; os.rmdir(os.getcwd()); main(['plugins', 'new', 'acme'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path / "gone", capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "Expected a working folder that exists" in done.stderr


def test_a_home_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = "~no-such-user-here/x"
    for variable, read in {"VAEZOO_HOME": home, "VAEZOO_SEEDS": seeds, "VAEZOO_CONFIG": settings_file}.items():
        monkeypatch.setenv(variable, nobody)
        with pytest.raises(ConfigError, match=f"Expected {variable} to name a path, got '{nobody}'"):
            read()
    (found,) = in_folders(nobody)
    assert "Expected VAEZOO_PLUGIN_PATH to name a path" in found.fault


def test_a_device_without_values() -> None:
    assert find_device("meta").type == "meta"
    with pytest.raises(ConfigError, match="Device 'meta' cannot be used"), join_ranks("meta"):
        pass


@pytest.mark.parametrize("channels", [10**17, 10**18, 10**19])
def test_sizes_beyond_memory(channels: int) -> None:
    with pytest.raises(ConfigError, match="needs more memory than this machine has") as raised:
        create("mlp-vae", latent_channels=channels)
    assert len(str(raised.value)) < 300


def test_names_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("renamed: {model: {aa: bb, bb: cc, cc: aa, dd: dd}}")
    (registry := Registry("acme:lab")).add_file(tmp_path / "r.yaml")
    for name, circle in {"aa": "aa -> bb -> cc -> aa", "dd": "dd -> dd"}.items():
        with pytest.warns(FutureWarning), pytest.raises(UnknownName, match=f"renamed in a circle, {circle}"):
            registry.models.get(name)
