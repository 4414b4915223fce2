"""``vaezoo traverse``, ``interpolate`` and ``latents`` from weights and pictures to a figure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

import vaezoo as zoo

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with weights of three models and ``pictures/`` of 28×28 pixels."""
    monkeypatch.chdir(tmp_path)
    for name in ("mlp-seed", "conv-cvae", "vq-vae"):
        save_file(zoo.create(name, seed=0).state_dict(), f"{name}.safetensors")
    Path("pictures").mkdir()
    rng = np.random.default_rng(0)
    for index in range(5):
        Image.fromarray(rng.integers(0, 256, (28, 28), np.uint8)).save(f"pictures/{index}.png")
    return tmp_path


SEED = ("mlp-seed", "--weights", "mlp-seed.safetensors")
CVAE = ("conv-cvae", "--weights", "conv-cvae.safetensors")


def test_a_traversal_is_of_samples_of_a_set_or_from_a_picture(place: Path, vaezoo: Run) -> None:
    assert vaezoo("traverse", *SEED)[:2] == (0, "2 of 2 latents -> traversal.png\n")
    figures = [Image.open("traversal.png")]
    for index, words in enumerate((["pictures/1.png"], ["--data", "pictures", "--picture", "1"])):
        code, out, _ = vaezoo("traverse", *SEED, *words, "-o", f"{index}.png", "--axes", "z1,z0", "--json")
        told = json.loads(out)
        assert code == 0 and told["model"] == "mlp-seed" and told["figure"] == f"{index}.png"
        assert [axis["name"] for axis in told["axes"]] == ["z1", "z0"] and told["positions"] == [-3, -2, -1, 0, 1, 2, 3]
        figures.append(Image.open(f"{index}.png"))
    images = [np.asarray(figure)[:, -604:] for figure in figures]  # without what the rows are called
    assert (images[1] == images[2]).all() and images[0].shape == images[1].shape and (images[0] != images[1]).any()


def test_ways_are_between_files_or_pictures_of_a_set(place: Path, vaezoo: Run) -> None:
    files = [f"pictures/{index}.png" for index in (2, 0, 1, 4)]
    assert vaezoo("interpolate", *SEED, *files, "-o", "a.png")[1] == "2 ways of 8 points -> a.png\n"
    vaezoo("interpolate", *SEED, "--data", "pictures", "--pictures", "2,0,1,4", "-o", "b.png")
    assert (np.asarray(Image.open("a.png")) == np.asarray(Image.open("b.png"))).all()
    out = vaezoo("interpolate", *SEED, *files[:2], "--linear", "--columns", "3", "-o", "c.png", "--json")[1]
    assert json.loads(out) == {
        "model": "mlp-seed", "figure": "c.png", "pairs": 1, "shares": [0, 0.5, 1], "linear": True
    }  # fmt: skip


def test_a_map_is_of_a_set_with_its_labels(place: Path, vaezoo: Run) -> None:
    out = vaezoo("latents", *SEED, "--data", "pictures", "--json")[1]
    told = json.loads(out)
    assert told["images"] == 5 and told["labels"] == {} and sum(told["explained_variance"]) == pytest.approx(1)
    assert Path("latents.png").exists()


def test_labels_come_from_the_set(data_folders: list[Path], place: Path, vaezoo: Run) -> None:
    code, out, _ = vaezoo("latents", *CVAE, "--data", "fashion-mnist", "-n", "40", "--json")
    labels = json.loads(out)["labels"]
    assert code == 0 and sum(labels.values()) == 40 and len(labels) > 5


def test_a_class_is_told_by_the_command_line(place: Path, vaezoo: Run) -> None:
    out = vaezoo("sample", *CVAE, "--rows", "3", "--columns", "2", "--json")[1]
    assert json.loads(out)["classes"] == {"label": [0, 1, 2]} and json.loads(out)["samples"] == 6
    figures = []
    for index, label in enumerate((3, 8, 8)):
        out = vaezoo("sample", *CVAE, "-n", "2", "--condition", f"label={label}", "-o", f"{index}.png", "--json")[1]
        assert "classes" not in json.loads(out)
        figures.append(np.asarray(Image.open(f"{index}.png")))
    assert (figures[1] == figures[2]).all()
    for verb in (["traverse"], ["interpolate", "pictures/0.png", "pictures/1.png"], ["reconstruct", "pictures/0.png"]):
        code, _, err = vaezoo(verb[0], *CVAE, *verb[1:], "--condition", "label=10", "-o", "c.png")
        assert code == 1 and "Expected labels from 0 to 9, got 10 to 10." in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["traverse", *SEED, "pictures/0.png", "--picture", "1"], 2, "a file or --picture, got both: pictures/0.png"),
        (["traverse", *SEED, "--picture", "1"], 2, "Expected --data with --picture 1, got none."),
        (["traverse", *SEED, "--data", "pictures", "--picture", "7"], 2, "from 0 to 4 of pictures, got 7."),
        (["traverse", *SEED, "--axes", "z2"], 3, "name of a latent, got 'z2'. There are z0 to z1."),
        (["traverse", "vq-vae", "--weights", "vq-vae.safetensors"], 2, "VQPrior lie on the codes of a codebook"),
        (["traverse", *SEED, "--condition", "label=3"], 1, "takes no condition 'label'"),
        (["traverse", *SEED, "--condition", "label"], 2, "a condition as NAME=NUMBER, such as label=3, got 'label'."),
        (["interpolate", *SEED, "pictures/0.png"], 2, "Expected two images for each interpolation, got 1."),
        (["interpolate", *SEED, "--pictures", "a,b"], 2, "numbers of pictures such as 0,1, got 'a,b'."),
        (["interpolate", *SEED, "--data", "pictures", "--pictures", "0,5"], 2, "from 0 to 4 of pictures, got 5."),
        (["interpolate", *CVAE, "pictures/0.png", "large.png"], 2, "pictures of one size, got 28x28 and 40x36."),
        (["latents", *SEED, "--data", "nowhere"], 3, "'nowhere' is neither a data set nor a path."),
        (["latents", *SEED, "-o", "there.png"], 2, "there.png exists already. Overwrite it"),
        (["reconstruct", *SEED, "pictures/0.png", "-o", "a.xyz"], 1, "a.xyz cannot be written: '.xyz' names no"),
    ],
)
def test_mistakes_are_one_line(place: Path, vaezoo: Run, words: list[str], code: int, message: str) -> None:
    Image.new("L", (36, 40)).save("large.png")
    Path("there.png").touch()
    found, _, err = vaezoo(*words)
    assert (found, err.count("\n")) == (code, 1) and message in err, err


def test_an_existing_figure_is_replaced_only_by_overwrite(place: Path, vaezoo: Run) -> None:
    for verb in (["sample"], ["traverse"], ["reconstruct", "pictures/0.png"]):
        Path("a.png").write_text("mine")
        assert vaezoo(verb[0], *SEED, *verb[1:], "-o", "a.png")[0] == 2 and Path("a.png").read_text() == "mine"
        assert vaezoo(verb[0], *SEED, *verb[1:], "-o", "a.png", "--overwrite")[0] == 0
        assert Image.open("a.png").size[0] > 80
