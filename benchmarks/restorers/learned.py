"""Learned peers as methods: which network, from which files of ``$VAEZOO_PEERS``. Eager, in fp32."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.peers import denoisers, enlargers
from benchmarks.peers.files import find, fingerprint
from benchmarks.restorers.methods import Method, Result
from vaezoo.errors import DataMissing
from vaezoo.image.metrics import luma
from vaezoo.image.resize import upscale
from vaezoo.restore.task import Task

SIGMAS, FACTORS = (15.0, 25.0, 50.0), (2.0, 3.0, 4.0)


def dncnn() -> Method:
    """Returns DnCNN-S for gray pictures: 17 layers, a file for each noise level."""
    files = _found({sigma: (f"sigma={sigma:g}.mat", f"dncnn_{sigma:g}.pth") for sigma in SIGMAS})
    networks = {sigma: denoisers.load_dncnn(path) for sigma, path in files.items()}
    return Method("dncnn", _identity(*files.values()), _by_level(networks), tuple(networks))


def dncnn_blind(colour: bool = False) -> Method:
    """Returns DnCNN-B, of 20 layers, for any noise level: gray, or the colour variant."""
    network, path = dncnn_blind_network(colour)
    return Method("cdncnn-b" if colour else "dncnn-b", _identity(path), lambda y, level, task: Result(_run(network, y)))


def dncnn_3() -> Method:
    """Returns DnCNN-3, one network of 20 layers for luma that was noisy, JPEG or small."""
    path = find(("DnCNN3.mat", "dncnn3.pth"))
    network = denoisers.load_dncnn(path, 1, 20)

    def run(y: Tensor, level: float, task: Task) -> Result:
        plane = luma(y) if y.shape[1] == 3 else y
        return Result(_run(network, upscale(plane, round(level)) if task.name == "sr" else plane))

    return Method("dncnn-3", _identity(path), run)


def ffdnet(colour: bool = True) -> Method:
    """Returns FFDNet, told the noise level."""
    network, path = ffdnet_network(colour)
    name = "ffdnet" if colour else "ffdnet-gray"
    return Method(name, _identity(path), lambda y, level, task: Result(_run(network, y, level / 255)))


def dncnn_blind_network(colour: bool) -> tuple[nn.Module, Path]:
    """Returns DnCNN-B, and the file of its weights."""
    kind, channels = ("color", 3) if colour else ("gray", 1)
    path = find((f"GD_{kind.title()}_Blind.mat", f"dncnn_{kind}_blind.pth"))
    return denoisers.load_dncnn(path, channels, 20), path


def ffdnet_network(colour: bool) -> tuple[nn.Module, Path]:
    """Returns FFDNet, and the file of its weights."""
    kind, channels = ("color", 3) if colour else ("gray", 1)
    path = find((f"FFDNet_{kind}.mat", f"ffdnet_{kind}.pth"))
    return denoisers.load_ffdnet(path, channels), path


def imdn() -> Method:
    """Returns IMDN, a file for each factor."""
    return _enlarger("imdn", enlargers.IMDN, "IMDN_x{:g}.pth")


def pan() -> Method:
    """Returns PAN, a file for each factor."""
    return _enlarger("pan", enlargers.PAN, "PANx{:g}_DF2K.pth")


def _enlarger(name: str, network: Callable[[int], nn.Module], pattern: str) -> Method:
    files = _found({factor: (pattern.format(factor),) for factor in FACTORS})
    networks = {factor: enlargers.load(network(round(factor)), path) for factor, path in files.items()}
    return Method(name, _identity(*files.values()), _by_level(networks), tuple(networks))


def _found(names: Mapping[float, tuple[str, ...]]) -> dict[float, Path]:
    """Returns the files that are there; the error of `find` where none is."""
    files, missing = {}, None
    for level, candidates in names.items():
        try:
            files[level] = find(candidates)
        except DataMissing as error:
            missing = missing or error
    if not files and missing:
        raise missing
    return files


def _identity(*files: Path) -> str:
    return "eager, fp32; weights " + ", ".join(f"{path.name} {fingerprint(path)}" for path in files)


def _by_level(networks: Mapping[float, nn.Module]) -> Callable[[Tensor, float, Task], Result]:
    return lambda y, level, task: Result(_run(networks[level], y))


def _run(network: nn.Module, *inputs: object) -> Tensor:
    with torch.inference_mode():
        image: Tensor = network(*inputs)
    return image.clone()
