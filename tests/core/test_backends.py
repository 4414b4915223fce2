"""timm is imported late, beside any build of torch, and gives new networks only."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch

from vaezoo.core.machine import backends
from vaezoo.errors import BackendUnavailable, ConfigError, UnknownName


def test_importing_the_module_imports_neither_torch_nor_timm() -> None:
    script = (
        "import sys, vaezoo.core.machine.backends; print([name for name in ('torch', 'timm') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_network_of_timm_takes_its_arguments() -> None:
    network: Any = backends.timm_network("vit_tiny_patch16_224", depth=1, embed_dim=12, img_size=[32, 16])
    assert len(network.blocks) == 1 and tuple(network.patch_embed.grid_size) == (2, 1)


def test_the_two_missing_operators_are_declared_and_timm_imported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    declared: list[str] = []
    asked: list[str] = []

    class Library:
        def __init__(self, namespace: str, kind: str) -> None:
            assert (namespace, kind) == ("torchvision", "DEF")

        def define(self, schema: str) -> None:
            declared.append(schema)

    def imported(name: str) -> Any:
        asked.append(name)
        if not declared:
            raise RuntimeError("operator torchvision::nms does not exist")
        return "timm"

    half = {"timm": "half", "torchvision.ops": "half", "timmy": "whole"}
    monkeypatch.setattr(sys, "modules", {**sys.modules, **half})
    monkeypatch.setattr(backends, "import_module", imported)
    monkeypatch.setattr(torch.library, "Library", Library)
    monkeypatch.setattr(backends, "_declared", [])
    assert backends.import_timm() == "timm" and asked == ["timm", "timm"]
    assert declared == [f"{n}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor" for n in ("nms", "qnms")]
    assert not {"timm", "torchvision.ops"} & set(sys.modules) and "timmy" in sys.modules


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ([ImportError("No module named 'timm'")], r"No module named 'timm'. Run pip install timm torchvision\."),
        ([RuntimeError("built for another torch")], r"built for another torch. Reinstall timm and torchvision\."),
        (
            [RuntimeError("operator torchvision::nms does not exist"), AttributeError("no attribute 'ops'")],
            r"no attribute 'ops'. Install the torchvision that belongs to your torch\.",
        ),
    ],
)
def test_what_cannot_be_mended_is_told(monkeypatch: pytest.MonkeyPatch, errors: list[Exception], message: str) -> None:
    left = list(errors)

    def broken(name: str) -> Any:
        raise left.pop(0)

    class Library:
        def __init__(self, namespace: str, kind: str) -> None:
            self.define = str

    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    monkeypatch.setattr(backends, "import_module", broken)
    monkeypatch.setattr(torch.library, "Library", Library)
    monkeypatch.setattr(backends, "_declared", [])
    with pytest.raises(BackendUnavailable, match=f"timm cannot be imported: {message}"):
        backends.import_timm()
    assert not left


def test_networks_are_never_pretrained(monkeypatch: pytest.MonkeyPatch) -> None:
    timm = backends.import_timm()
    asked: dict[str, Any] = {}
    monkeypatch.setattr(timm, "create_model", lambda name, **arguments: asked.update(arguments) or torch.nn.Identity())
    backends.timm_network("resnet18", channels=[1, 2], pretrained=True)
    assert asked == {"channels": (1, 2), "pretrained": False}


def test_networks_that_cannot_be_are_refused() -> None:
    with pytest.raises(
        UnknownName, match=r"Expected a timm backbone, got 'vit_tiny_patch16_22'. Did you mean 'vit_tiny"
    ):
        backends.timm_network("vit_tiny_patch16_22")
    with pytest.raises(
        ConfigError, match=r"timm's 'resnet18' cannot be an encoder with options .*'depths': 3.*: .*'depths'"
    ):
        backends.timm_network("resnet18", depths=3)
    with pytest.raises(ConfigError, match=r"'vit_base_mci_224' cannot be an encoder .*: AssertionError"):
        backends.timm_network("vit_base_mci_224", img_size=28, patch_size=4, embed_dim=12, num_heads=2, depth=1)
