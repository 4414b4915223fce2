"""Finds and reads the weight files that peers' authors publish: PyTorch's ``.pth``, and MatConvNet's ``.mat``."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor, nn

from vaezoo.errors import BackendUnavailable, DataMissing, TensorMismatch, WeightsError
from vaezoo.image.file.folders import find_in_folders, named_folders

Convolution = tuple[Tensor, Tensor]
"""Weight (out, in, rows, columns) and bias (out,)."""


def find(names: Sequence[str]) -> Path:
    """Returns the first of a peer's weight files that is in a folder of ``$VAEZOO_PEERS``.

    Args:
        names: The names it is published under.

    Raises:
        DataMissing: None of them is there.
    """
    found = find_in_folders("VAEZOO_PEERS", names, Path.is_file)
    if found is not None:
        return found
    raise DataMissing(
        f"Expected {' or '.join(names)} in a folder of $VAEZOO_PEERS: {named_folders('VAEZOO_PEERS')}.",
        hint="Its authors publish it; this project does not.", value=list(names),
    )  # fmt: skip


def fingerprint(path: Path) -> str:
    """Returns what tells a weight file from others: the start of its sha256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def read_state(path: Path) -> dict[str, Tensor]:
    """Reads a ``.pth`` file, without running what is pickled in it.

    Names lose the ``module.`` that training on several devices puts before them.

    Raises:
        WeightsError: It is not a file of tensors.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise WeightsError(f"{path.name} is not a file of tensors: {error}", value=str(path)) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"Expected tensors by name in {path.name}, got {type(state).__name__}.", value=str(path))
    return {name.removeprefix("module."): value.float() for name, value in state.items()}


def read_convolutions(path: Path) -> list[Convolution]:
    """Reads the convolutions of a plain stack in their order, whatever they are called.

    Args:
        path: A ``.pth``, or a MatConvNet network in a ``.mat`` of MATLAB 7.3, which is HDF5 and needs h5py.

    Raises:
        WeightsError: It is neither, or holds other layers that have weights.
        BackendUnavailable: h5py is not installed.
    """
    return _read_matconvnet(path) if path.suffix == ".mat" else _read_stack(path)


def fill(network: nn.Module, convolutions: Sequence[Convolution]) -> None:
    """Gives a network's convolutions their weights, in order.

    Raises:
        TensorMismatch: Their number or a shape is not the network's.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    expected = [tuple(layer.weight.shape) for layer in layers]
    got = [tuple(weight.shape) for weight, _ in convolutions]
    for i, (wanted, there) in enumerate(zip_longest(expected, got, fillvalue="none")):
        if wanted != there:
            raise TensorMismatch(f"Convolution {i} should be {wanted}, got {there}.", value=got)
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, convolutions, strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)


def _read_stack(path: Path) -> list[Convolution]:
    state = read_state(path)
    pairs = [(value, state.get(name[: -len("weight")] + "bias")) for name, value in state.items() if value.ndim == 4]
    odd = [name for name, value in state.items() if value.ndim != 4 and not name.endswith(".bias")]
    if odd or any(bias is None for _, bias in pairs):
        found = odd[0] if odd else "one without"
        raise WeightsError(f"Expected convolutions with a bias each in {path.name}, found {found}.", value=str(path))
    return [(weight, bias) for weight, bias in pairs if bias is not None]


def _read_matconvnet(path: Path) -> list[Convolution]:
    try:
        import h5py
    except ImportError as error:
        raise BackendUnavailable(
            f"Reading {path.name} needs h5py.", hint="pip install h5py", value=path.name
        ) from error
    try:
        file = h5py.File(path)
    except OSError as error:
        raise WeightsError(f"{path.name} is not a MATLAB 7.3 file: {error}", value=str(path)) from error
    found = []
    with file:
        for layer in (file[reference] for reference in file["net/layers"][()].ravel()):
            if "".join(map(chr, layer["type"][()].ravel())) != "conv":
                continue
            weight, bias = (torch.from_numpy(file[part][()]).float() for part in layer["weights"][()].ravel())
            weight = weight.reshape(bias.numel(), -1, *weight.shape[-2:])  # MATLAB drops a last axis of one
            found.append((weight.transpose(2, 3).contiguous(), bias.flatten()))  # and HDF5 turns the axes round
    return found
