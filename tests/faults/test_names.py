"""File names that a registry file states, and the registry file's own: `..`, links, names that lead nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from vaezoo.errors import ConfigError, HashMismatch, VaezooError, WeightsError
from vaezoo.registry.cards import Card
from vaezoo.registry.registry import Registry
from vaezoo.zoo.weights import locate

from .conftest import card
from .server import BODY

SECRET = b"not for you"


def declared(tmp_path: Path, *urls: str, name: str = "small.tag") -> Card:
    """Returns a card as a registry file in YAML gives it."""
    body = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(card(*urls)).items() if k != "name" and v != {}}
    path = tmp_path / "registry.yaml"
    path.write_text(yaml.safe_dump({"weights": {name: body}}))
    registry = Registry("guest")
    registry.add_file(path)
    return registry.cards.get(name)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a folder of weights, and a secret and the right file beside the package."""
    folder = tmp_path / "site" / "guest_weights" / "weights"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (tmp_path / "site" / "secret").write_bytes(SECRET)
    (tmp_path / "site" / "right").write_bytes(BODY)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return folder


@pytest.mark.parametrize(
    "inside",
    [
        "../secret",
        "weights/../../secret",
        "weights/%2e%2e/%2e%2e/secret",
        "weights/..%2f..%2fsecret",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "weights",
        "weights/nothing",
        "w%00.safetensors",
        "w" * 5000,
        "",
        ".",
    ],
    ids=lambda inside: inside[:30] or "empty",
)
def test_a_name_leads_nowhere_outside_its_package(package: Path, tmp_path: Path, inside: str) -> None:
    (package / "w.safetensors").write_bytes(BODY)
    with pytest.raises(WeightsError, match="not there"):
        locate(declared(tmp_path, f"pkg://guest_weights/{inside}"))
    assert locate(declared(tmp_path, f"pkg://guest_weights/{inside}", "pkg://guest_weights/weights/w.safetensors"))[1]


@pytest.mark.parametrize("target", ["nothing", "w.safetensors", "weights", "fifo"])
def test_a_link_that_leads_to_no_file(package: Path, tmp_path: Path, target: str) -> None:
    """Dangling, to itself, to a folder, to a pipe that would be waited at for ever."""
    os.mkfifo(package / "fifo")
    (package / "w.safetensors").symlink_to(target if target != "weights" else package)
    for url in ("pkg://guest_weights/weights/w.safetensors", (package / "w.safetensors").as_uri()):
        with pytest.raises(WeightsError, match="not there"):
            locate(declared(tmp_path, url))


def test_a_link_out_of_a_package_is_worth_no_more_than_its_bytes(package: Path, tmp_path: Path) -> None:
    """Installers put links into packages, so links are followed; the hash says whether that was right."""
    link, url = package / "w.safetensors", "pkg://guest_weights/weights/w.safetensors"
    link.symlink_to("../../secret")
    with pytest.raises(HashMismatch) as caught:
        locate(declared(tmp_path, url))
    assert SECRET.decode() not in str(caught.value) and caught.value.exit_code == 4
    link.unlink()
    link.symlink_to("../../right")
    assert locate(declared(tmp_path, url))[1] == BODY


@pytest.mark.parametrize("url", ["hf://org/repo@main/../w", "hf://org/repo@main/a/../../w"])
def test_dots_in_a_file_of_the_hub(tmp_path: Path, url: str) -> None:
    with pytest.raises(WeightsError, match="expected hf://"):
        locate(declared(tmp_path, url))


@pytest.mark.parametrize("url", ["hf://../repo@main/w", "hf://org/..@main/w", "hf://org/repo@../../x/w"])
def test_dots_in_a_repository_of_the_hub(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(VaezooError, match="No usable file"):
        locate(declared(tmp_path, url))
    assert not (tmp_path.parent / "w").exists() and not (tmp_path / "w").exists()


@pytest.mark.parametrize(
    "name", ["../../etc/small.tag", "small.../tag", "small.tag/..", "/small.tag", "small.", ".tag", "a b.c"]
)
def test_a_weight_s_name_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a weight's name as arch\.tag"):
        declared(tmp_path, "pkg://x/y", name=name)


def test_a_registry_file_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    declared(tmp_path / "real", "pkg://x/y")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "real" / ".." / "real" / "registry.yaml")
    registry = Registry("guest")
    registry.add_file(tmp_path / "real" / ".." / "link.yaml")
    assert registry.cards.names() == ["small.tag"]


def test_a_registry_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nothing")
    (tmp_path / "folder.yaml").mkdir()
    for name in ("loop", "dangling", "folder", "x" * 300):
        registry = Registry("guest")
        with pytest.raises(ConfigError) as caught:
            registry.add_file(tmp_path / f"{name}.yaml")
        assert name in str(caught.value) and registry.cards.names() == []
