"""Options of timm's networks that a file names: what shapes a network, and nothing that opens a file or an address."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

import vaezoo
from vaezoo.core.machine.backends import OPTIONS, timm_network
from vaezoo.errors import ConfigError, UnknownName

URL = "https://acme.example/weights.pth"


class Runs:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(("encoder", "model"), [("resnet", "conv-beta"), ("vit", "vit-vae")])
def test_a_checkpoint_is_not_opened(tmp_path: Path, encoder: str, model: str) -> None:
    (tmp_path / "net.pth").write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    options = {"checkpoint_path": str(tmp_path / "net.pth")}
    with pytest.raises(ConfigError, match="that shape a network, got 'checkpoint_path'"):
        vaezoo.create(model, encoder={"name": encoder, "options": options}, pretrained=False)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pretrained_cfg", {"url": URL}),
        ("pretrained_cfg", "in21k"),
        ("pretrained_cfg_overlay", {"file": "/etc/passwd"}),
        ("cache_dir", "/tmp"),
        ("scriptable", True),
        ("kwargs_filter", ["a"]),
    ],
)
def test_nothing_else_that_reads_or_fetches(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"got {key!r}"):
        timm_network("resnet18", **{key: value})
    assert key not in OPTIONS


@pytest.mark.parametrize("name", ["hf-hub:acme/net", "hf_hub:acme/net", "local-dir:/tmp", "resnet18.hf-hub:acme/net"])
def test_a_backbone_is_one_of_timm_s_own(name: str) -> None:
    with pytest.raises(UnknownName, match="Expected a timm backbone"):
        timm_network(name)


def test_code_may_give_more() -> None:
    from torch import nn

    assert isinstance(timm_network("resnet18", block=None, norm_layer=nn.BatchNorm2d), nn.Module)
