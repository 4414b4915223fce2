"""``vaezoo eval`` from a weight file and pictures on disk to numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from safetensors.torch import save_file

import vaezoo
from vaezoo.cli.evaluate import evaluate
from vaezoo.errors import ConfigError, DataMissing, ShapeError, UnknownName, WeightsError
from vaezoo.publish.loading import open_model, task_of
from vaezoo.registry.entries import Model, Source
from vaezoo.release.protocol import Protocol, flat, load_test_split, own_protocol


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(evaluate, [str(argument) for argument in arguments])


def weights(name: str, folder: Path) -> Path:
    save_file(vaezoo.create(name, seed=0).state_dict(), folder / "weights.safetensors")
    return folder / "weights.safetensors"


def pictures(folder: Path, side: int) -> Path:
    folder.mkdir()
    for index in range(3):
        pixels = np.random.default_rng(index).integers(256, size=(side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_a_generative_model_gets_a_bound(tmp_path: Path) -> None:
    arguments = ("mlp-seed", "--weights", weights("mlp-seed", tmp_path), "--data", pictures(tmp_path / "set", 28))
    result = run(*arguments, "--json")
    (values,) = json.loads(result.stdout)["results"]
    assert values["images"] == 3 and values["elbo_nats"] == pytest.approx(
        -values["distortion_nats"] - values["rate_nats"]
    )
    text = run(*arguments, "--nll", 4, "--binarise", "--limit", 2).stdout
    assert "2 images" in text and "nll_nats" in text


def test_a_denoiser_gets_decibels_and_coverage(tmp_path: Path) -> None:
    arguments = ("denoise", "--weights", weights("denoise", tmp_path), "--data", pictures(tmp_path / "set", 24))
    found = json.loads(run(*arguments, "--sigma", "15,50", "--limit", 1, "--json").stdout)["results"]
    assert [values["sigma"] for values in found] == [15, 50] and {"psnr_db", "ssim", "coverage_68"} <= found[0].keys()
    table = run(*arguments, "--sigma", "15").stdout.splitlines()
    assert "3 images" in table[0] and table[1].split()[:3] == ["sigma", "psnr_db", "ssim"] and len(table) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("denoise", "--nll", 4), "--nll has no effect on the protocol of denoise. Leave it out."),
        (("denoise", "--seed", 0), "--seed has no effect on the protocol of denoise"),
        (("sr", "--samples", 9), "--samples has no effect on the protocol of sr. Leave it out, or ask for --metrics"),
        (("mlp-seed", "--sigma", 15), "--levels has no effect on the bound of a generative model"),
        (("mlp-seed", "--metrics", "elbo", "--nll", 4), "--nll has no effect on --metrics"),
        (("denoise", "--metrics", "psnr", "--style", "code"), "--style has no effect on --metrics"),
    ],
)
def test_what_would_be_ignored_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    error = run(*arguments).exception
    assert isinstance(error, ConfigError) and message in str(error)


def test_other_tasks_have_their_own_protocol(tmp_path: Path) -> None:
    arguments = ("sr", "--weights", weights("sr", tmp_path), "--data", pictures(tmp_path / "set", 36), "--limit", 1)
    found = json.loads(run(*arguments, "--json").stdout)["results"]
    assert [values["factor"] for values in found] == [2, 3, 4] and "consistency_levels" in found[0]
    assert flat(found).keys() >= {"psnr_db_factor2", "ssim_factor4"} and "factor" not in flat(found)
    assert flat([{"elbo_nats": -1.0}]) == {"elbo_nats": -1.0}


def test_styled_images_and_what_tells_of_their_style_reach_the_model(tmp_path: Path) -> None:
    name = "conv-style"
    arguments = (name, "--weights", weights(name, tmp_path), "--data", pictures(tmp_path / "set", 28), "--limit", 3)
    styled, again = (json.loads(run(*arguments, "--style", "code", "--json").stdout)["results"] for _ in range(2))
    assert styled == again and styled[0]["images"] == 3
    other = json.loads(run(*arguments, "--style", "code", "--seed", 1, "--json").stdout)["results"]
    assert other[0]["distortion_nats"] != styled[0]["distortion_nats"]
    named = json.loads(run(*arguments, "--style", "code", "--metrics", "elbo", "--json").stdout)["results"]
    assert named[0]["elbo@1.distortion_nats"] == pytest.approx(styled[0]["distortion_nats"])


def test_a_card_without_an_evaluation_says_nothing_of_the_images() -> None:
    model = vaezoo.create("vae", pretrained=True)
    card = replace(model.origin.weights.card, evaluation={})
    assert own_protocol(model, "generate") == Protocol("generate", "mnist", nll=100, binarise=True)
    model.origin = replace(model.origin, weights=replace(model.origin.weights, card=card))
    assert own_protocol(model, "generate") is None


def test_a_name_of_the_zoo_wins_over_a_folder_and_a_folder_says_its_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    vaezoo.save(vaezoo.create("mlp-seed", seed=0), "vae")
    vaezoo.save(vaezoo.create("sr", seed=0), "mine")
    (tmp_path / "empty").mkdir()
    assert open_model("vae").origin.weights.card is not None and open_model("./vae").origin.name == "mlp-seed"
    assert (task_of("vae"), task_of("./vae"), task_of("mine")) == ("generate", "generate", "sr")
    with pytest.raises(ConfigError, match=r"Expected a folder with a vaezoo\.yaml"):
        open_model("empty")
    with pytest.raises(UnknownName):
        open_model("nothing")
    picture = np.zeros((20, 20, 3), np.uint8)
    assert vaezoo.enhance(picture, model="mine").image.shape == (40, 40, 3)


def test_a_saved_folder_is_measured_as_the_model_it_holds(tmp_path: Path) -> None:
    folder, file = tmp_path / "saved", weights("mlp-seed", tmp_path)
    vaezoo.save(vaezoo.create("mlp-seed", pretrained=file), folder)
    data = ("--data", pictures(tmp_path / "set", 28), "--json")
    saved = json.loads(run(folder, *data).stdout)["results"]
    assert saved == json.loads(run("mlp-seed", "--weights", file, *data).stdout)["results"]
    both = run(folder, "--weights", file, *data).exception
    assert isinstance(both, ConfigError) and "holds its model's own weights" in str(both)


@pytest.mark.parametrize("metrics", [(), ("--metrics", "psnr")])
def test_images_of_several_sizes_are_refused(tmp_path: Path, metrics: tuple[str, ...]) -> None:
    folder = pictures(tmp_path / "set", 28)
    Image.new("RGB", (32, 28)).save(folder / "wide.png")
    error = run("conv-beta", "--weights", weights("conv-beta", tmp_path), "--data", folder, *metrics).exception
    assert isinstance(error, ShapeError) and "one size, but" in str(error) and "28x28 and 28x32" in str(error)


def test_weights_with_a_card_are_measured_on_what_the_card_says() -> None:
    result = run("vae", "--limit", 3, "--json")
    if isinstance(result.exception, DataMissing):
        pytest.skip(str(result.exception))
    found = json.loads(result.stdout)
    assert found["data"] == "mnist-test"
    grey = json.loads(run("vae", "--limit", 3, "--data", "mnist", "--json").stdout)
    black = json.loads(run("vae", "--limit", 3, "--data", "mnist", "--binarise", "--json").stdout)
    assert found == black != grey


def test_a_set_with_a_test_split_gives_that() -> None:
    try:
        images = load_test_split("fashion-mnist", True, limit=5)
    except DataMissing as missing:
        pytest.skip(str(missing))
    assert images.source == "fashion-mnist-test" and len(images.pixels) == len(images.labels) == 5  # type: ignore[arg-type]
    assert images.pixels[0].shape == (28, 28, 1)


@pytest.mark.parametrize("sigma", ["", "15;25", "-5", "a"])
def test_noise_levels_are_numbers(tmp_path: Path, sigma: str) -> None:
    result = run("denoise", "--sigma", sigma)
    assert isinstance(result.exception, ConfigError) and "such as 15,25,50" in str(result.exception)


def test_unknown_names_and_files_are_refused(tmp_path: Path) -> None:
    assert isinstance(run("denoice").exception, UnknownName)
    missing = run("denoise", "--weights", tmp_path / "none.safetensors")
    assert isinstance(missing.exception, WeightsError) and "none.safetensors" in str(missing.exception)
    data = run("denoise", "--weights", weights("denoise", tmp_path), "--data", "kodac24")
    assert isinstance(data.exception, UnknownName) and "'kodak24'" in str(data.exception)


def test_a_task_without_a_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "vaezoo.publish.loading.declared_as", lambda name: Model(name, {"task": "dream"}, Source("user"))
    )
    result = run("anything")
    assert isinstance(result.exception, ConfigError) and "'dream' have no protocol" in str(result.exception)


def test_metrics_by_name_say_their_version(tmp_path: Path) -> None:
    arguments = ("mlp-seed", "--weights", weights("mlp-seed", tmp_path), "--data", "factors-28", "--limit", 200)
    told = json.loads(run(*arguments, "--metrics", "elbo,mig@1,dci", "--json").stdout)["results"][0]
    assert told["elbo@1.images"] == 200 and {"mig@1", "dci@1.disentanglement"} <= told.keys()
    nll = run(*arguments, "--metrics", "nll", "--binarise", "--samples", 3, "--max-mib", 1).stdout
    assert "nll@1.stderr_nats" in nll and "200 images" in nll
    other = run(*arguments[:3], "--data", pictures(tmp_path / "set", 28), "--metrics", "mig")
    assert isinstance(other.exception, ConfigError) and "needs factors" in str(other.exception)
