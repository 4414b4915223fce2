"""The learned peers: sizes as published, files as published, and published quality where weights are there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import restoration
from benchmarks.peers import denoisers, enlargers
from benchmarks.peers.files import fill, find, read_convolutions, read_state
from benchmarks.restorers import learned
from benchmarks.restorers.published import PUBLISHED, TOLERANCE_DB
from benchmarks.restorers.suites import METHODS, SUITES
from vaezoo.data.sets import load_images
from vaezoo.errors import BackendUnavailable, DataMissing, TensorMismatch, WeightsError
from vaezoo.restore.task import task_class


def thousands(network: nn.Module) -> int:
    return round(sum(values.numel() for values in network.parameters()) / 1000)


@pytest.mark.parametrize(
    ("network", "channels", "parameters"),
    [(denoisers.DnCNN(), 1, 555), (denoisers.DnCNN(1, 20), 1, 666), (denoisers.DnCNN(3, 20), 3, 668)],
)
def test_dncnn_keeps_the_size(network: nn.Module, channels: int, parameters: int) -> None:
    assert network(torch.rand(2, channels, 9, 7)).shape == (2, channels, 9, 7)
    assert thousands(network) == parameters


@pytest.mark.parametrize(("channels", "parameters"), [(1, 485), (3, 852)])
def test_ffdnet_keeps_odd_sizes(channels: int, parameters: int) -> None:
    network = denoisers.FFDNet(channels)
    assert network(torch.rand(2, channels, 9, 7), 0.1).shape == (2, channels, 9, 7)
    assert thousands(network) == parameters


@pytest.mark.parametrize(
    ("network", "factor", "parameters"),
    [
        (enlargers.IMDN, 2, 694), (enlargers.IMDN, 3, 703), (enlargers.IMDN, 4, 715),
        (enlargers.PAN, 2, 261), (enlargers.PAN, 3, 261), (enlargers.PAN, 4, 272),
    ],
)  # fmt: skip
def test_enlargers_enlarge_by_their_factor(network: Any, factor: int, parameters: int) -> None:
    made = network(factor)
    assert made(torch.rand(1, 3, 8, 6)).shape == (1, 3, 8 * factor, 6 * factor)
    assert thousands(made) == parameters


def test_a_stack_is_read_in_order_whatever_its_names_are(tmp_path: Path) -> None:
    network = denoisers.DnCNN(1, 17)
    state = {f"module.model.{name.removeprefix('body.')}": value for name, value in network.state_dict().items()}
    torch.save(state, tmp_path / "dncnn_25.pth")
    y = torch.rand(1, 1, 12, 12)
    assert torch.equal(denoisers.load_dncnn(tmp_path / "dncnn_25.pth")(y), network(y))


def write_matconvnet(path: Path, convolutions: list[tuple[Tensor, Tensor]]) -> None:
    """Writes a network as MATLAB 7.3 would: HDF5 with axes turned round, cells as references, no last axis of one."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        count = iter(range(10**6))

        def kept(values: Any) -> Any:
            return file.create_dataset(f"#refs#/{next(count)}", data=values).ref

        layers = []
        for weight, bias in convolutions:
            turned = weight.transpose(2, 3).numpy()
            layers.append(file.create_group(f"#refs#/{next(count)}"))
            pair = [kept(turned[0] if turned.shape[0] == 1 else turned), kept(bias.numpy()[None])]
            layers[-1].create_dataset("weights", data=np.array(pair)[:, None], dtype=h5py.ref_dtype)
            layers[-1].create_dataset("type", data=np.array([ord(c) for c in "conv"], np.uint16)[:, None])
            layers.append(file.create_group(f"#refs#/{next(count)}"))
            layers[-1].create_dataset("type", data=np.array([ord(c) for c in "relu"], np.uint16)[:, None])
        cells = np.array([layer.ref for layer in layers])[:, None]
        file.create_dataset("net/layers", data=cells, dtype=h5py.ref_dtype)


def pairs(network: nn.Module) -> list[tuple[Tensor, Tensor]]:
    return [(m.weight.detach(), m.bias.detach()) for m in network.modules() if isinstance(m, nn.Conv2d)]  # type: ignore[union-attr, misc]


def test_a_matconvnet_stack_is_read(tmp_path: Path) -> None:
    network = denoisers.DnCNN(1, 17)
    write_matconvnet(tmp_path / "sigma=25.mat", pairs(network))
    y = torch.rand(1, 1, 12, 12)
    assert torch.equal(denoisers.load_dncnn(tmp_path / "sigma=25.mat")(y), network(y))


def test_ffdnet_from_matlab_counts_its_four_images_down_the_columns(tmp_path: Path) -> None:
    network = denoisers.FFDNet(3)
    write_matconvnet(tmp_path / "FFDNet_color.mat", pairs(network))
    y = torch.rand(1, 3, 8, 6)
    corners = [(row, column) for column in (0, 1) for row in (0, 1)]
    parts = torch.stack([y[:, :, row::2, column::2] for row, column in corners], 2).flatten(1, 2)
    level = torch.full((1, 1, 4, 3), 0.1)
    result = network.body(torch.cat([parts, level], 1)).unflatten(1, (3, 4))
    expected = torch.empty_like(y)
    for index, (row, column) in enumerate(corners):
        expected[:, :, row::2, column::2] = result[:, :, index]
    assert torch.allclose(denoisers.load_ffdnet(tmp_path / "FFDNet_color.mat", 3)(y, 0.1), expected, atol=1e-6)


def test_missing_files_are_named_with_where_they_were_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEZOO_PEERS", str(tmp_path))
    with pytest.raises(DataMissing, match=r"Expected FFDNet_gray.mat or ffdnet_gray.pth in a folder of \$VAEZOO_PEERS"):
        learned.ffdnet(colour=False)
    (tmp_path / "b.pth").touch()
    assert find(("a.pth", "b.pth")) == tmp_path / "b.pth"


def test_a_peer_does_the_levels_whose_files_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_PEERS", str(tmp_path))
    torch.save(enlargers.PAN(3).state_dict(), tmp_path / "PANx3_DF2K.pth")
    method = learned.pan()
    assert method.levels == (3.0,) and "PANx3_DF2K.pth" in method.identity
    x, y, task = task_class("sr").example(torch.rand(1, 3, 24, 36), 3, 0)
    assert method.run(y, 3, task).image.shape == x.shape


def test_dncnn_3_works_on_luma_of_the_size_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAEZOO_PEERS", str(tmp_path))
    torch.save(denoisers.DnCNN(1, 20).state_dict(), tmp_path / "dncnn3.pth")
    for task, level, shape in (("sr", 2, (1, 1, 24, 36)), ("dejpeg", 10, (1, 1, 24, 36))):
        _, y, told = task_class(task).example(torch.rand(1, 3, 24, 36), level, 0)
        assert learned.dncnn_3().run(y, level, told).image.shape == shape


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>", "weights.pth is not a file of tensors"),
        ([1, 2], "Expected tensors by name in weights.pth, got list"),
        (
            {"a.weight": torch.zeros(1, 1, 3, 3)},
            "Expected convolutions with a bias each in weights.pth, found one without",
        ),
        ({"a.running_mean": torch.zeros(3)}, "found a.running_mean"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(WeightsError, match=message):
        read_convolutions(path)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TensorMismatch, match=r"Convolution 17 should be none, got \(64, 64, 3, 3\)"):
        fill(denoisers.DnCNN(1, 17), [*pairs(denoisers.DnCNN(1, 17)), *pairs(denoisers.DnCNN(1, 20))[1:4]])
    torch.save(enlargers.PAN(2).state_dict(), tmp_path / "IMDN_x2.pth")
    with pytest.raises(TensorMismatch, match=r"IMDN_x2.pth does not fit IMDN: "):
        enlargers.load(enlargers.IMDN(2), tmp_path / "IMDN_x2.pth")
    assert "conv_first.weight" in read_state(tmp_path / "IMDN_x2.pth")


def test_a_mat_file_needs_h5py_and_the_new_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "FFDNet_gray.mat"
    path.write_bytes(b"MATLAB 5.0 MAT-file")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "h5py", None)
        with pytest.raises(BackendUnavailable, match=r"Reading FFDNet_gray.mat needs h5py"):
            read_convolutions(path)
    pytest.importorskip("h5py")
    with pytest.raises(WeightsError, match=r"FFDNet_gray.mat is not a MATLAB 7.3 file"):
        read_convolutions(path)


def assert_published(name: str, suite_name: str, level: float) -> None:
    suite = next(suite for suite in SUITES if suite.name == suite_name)
    try:
        method, images = METHODS[name].make(), load_images(suite.data, gray=suite.gray)
    except (DataMissing, BackendUnavailable) as error:
        pytest.skip(str(error))
    found = [
        restoration.measure(suite, method, example, level)["psnr_db"]
        for _, example in restoration.examples(suite, images, level)
    ]
    assert float(np.mean(found)) == pytest.approx(PUBLISHED[name, suite_name][int(level)], abs=TOLERANCE_DB)


@pytest.mark.parametrize(
    ("name", "suite", "level"), [("imdn", "sr:set5", 2), ("pan", "sr:set5", 2), ("ffdnet-gray", "set12", 25)]
)
def test_a_peer_reaches_what_its_paper_prints(name: str, suite: str, level: float) -> None:
    assert_published(name, suite, level)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "suite", "level"),
    [("dncnn", "set12", 25), ("dncnn-b", "set12", 25), ("dncnn-3", "dejpeg:classic5", 10), ("ffdnet", "cbsd68", 25)],
)
def test_a_slower_peer_reaches_what_its_paper_prints(name: str, suite: str, level: float) -> None:
    assert_published(name, suite, level)


def test_the_unshuffling_of_pytorch_runs_along_the_rows() -> None:
    assert F.pixel_unshuffle(torch.arange(4.0).reshape(1, 1, 2, 2), 2).flatten().tolist() == [0, 1, 2, 3]
