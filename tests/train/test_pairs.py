"""Pairs of one's own: both patches from one place, and every pair that is none refused by name."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
import torch
from click.testing import CliRunner
from PIL import Image

from vaezoo.cli.train import train
from vaezoo.data.sets import load_images
from vaezoo.errors import ConfigError, ImageError, UnknownName, VaezooError
from vaezoo.train.damages.pairs import Pairs, load_pairs
from vaezoo.train.data import open_source
from vaezoo.train.loop import train as train_by
from vaezoo.train.recipe import DataRecipe, Recipe, load_recipe, recipe_hash

CPU = torch.device("cpu")


def scene(seed: int, height: int = 60, width: int = 70) -> np.ndarray:
    """A picture (H, W, 3) with patterns of several sizes, and room for what is added."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 180, (height // 10 + 1, width // 10 + 1, 3))
    return (np.kron(coarse, np.ones((10, 10, 1), int))[:height, :width] + np.arange(width)[:, None] // 4).astype(
        np.uint8
    )


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two scenes, each degraded picture 20 levels brighter than its clean one and one level more in each row."""
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    for folder in (noisy, clean):
        (folder / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a", "deep/b")):
        x = scene(seed)
        rows = (np.arange(x.shape[0]) % 30)[:, None, None].astype(np.uint8)
        Image.fromarray(x).save(clean / f"{name}.png")
        Image.fromarray(x + 20 + rows).save(noisy / f"{name}.tif")
    return noisy, clean


def paths(folders: tuple[Path, Path]) -> list[str]:
    return [str(folder) for folder in folders]


def pairs(folders: tuple[Path, Path], seed: int = 0, **data: object) -> Pairs:
    recipe = DataRecipe(**{"patch": 16, "pairs": paths(folders), **data})  # type: ignore[arg-type]
    return Pairs(load_pairs(recipe.pairs, recipe.gray), recipe, seed)


def test_names_match_whatever_the_suffix_and_contents_are_recorded(folders: tuple[Path, Path]) -> None:
    noisy, clean = load_pairs(paths(folders))
    assert noisy.names == clean.names == ("a", "deep/b")
    assert (noisy.source, clean.source) == (str(folders[0]), str(folders[1])) and noisy.sha256 != clean.sha256
    for one, other in zip(noisy.pixels, clean.pixels, strict=True):
        assert one.shape == other.shape and ((one.astype(int) - other)[:20] == 20 + np.arange(20)[:, None, None]).all()
    assert load_pairs(paths(folders), gray=True)[1].pixels[0].shape == (60, 70, 1)


def test_zips_are_the_folders_they_were_made_of(folders: tuple[Path, Path], tmp_path: Path) -> None:
    zips = []
    for folder in folders:
        zips.append(tmp_path / f"{folder.name}.zip")
        with zipfile.ZipFile(zips[-1], "w") as archive:
            for file in sorted(folder.rglob("*.*"), reverse=True):
                archive.write(file, f"{folder.name}/{file.relative_to(folder)}")
    packed, plain = load_pairs([str(file) for file in zips]), load_pairs(paths(folders))
    assert [images.sha256 for images in packed] == [images.sha256 for images in plain]
    mixed = load_pairs([str(zips[0]), str(folders[1])])
    assert mixed[0].names == mixed[1].names


def place(batch_y: torch.Tensor, batch_x: torch.Tensor) -> torch.Tensor:
    """Which row of the picture each value of a patch lies in, modulo 30."""
    return ((batch_y - batch_x) * 255).round() - 20


def test_both_patches_are_of_one_place(folders: tuple[Path, Path]) -> None:
    batch = pairs(folders).batch(0, range(64), 64, CPU)
    rows = place(batch.y, batch.target)[:, 0]
    assert batch.y.shape == (64, 3, 16, 16) and (rows == rows[:, :, :1]).all()
    assert ((rows.diff(dim=1) == 1) | (rows.diff(dim=1) == -29)).all()
    assert len(rows[:, 0, 0].unique()) > 10 and not batch.cond
    clean = [torch.from_numpy(np.asarray(Image.open(folders[1] / name)).copy()) for name in ("a.png", "deep/b.png")]
    windows = [picture.unfold(0, 16, 1).unfold(1, 16, 1) for picture in clean]
    for x in (batch.target[:8] * 255).round().byte():
        assert any((window == x).all((2, 3, 4)).any() for window in windows)


def test_both_patches_are_turned_and_shuffled_alike(folders: tuple[Path, Path]) -> None:
    batch = pairs(folders, augment=True, shuffle_channels=True).batch(0, range(128), 128, CPU)
    rows = place(batch.y, batch.target)
    assert (rows == rows[:, :1]).all()
    steps = {
        (int(patch[1, 0] - patch[0, 0]) % 30, int(patch[0, 1] - patch[0, 0]) % 30) for patch in rows[:, 0]
    }  # down and to the right
    assert steps == {(1, 0), (29, 0), (0, 1), (0, 29)}


def test_both_patches_are_shrunk_alike(folders: tuple[Path, Path]) -> None:
    batch = pairs(folders, scale=[0.5, 0.5]).batch(0, range(64), 64, CPU)
    steps = ((batch.y - batch.target) * 255)[:, 0].diff(dim=1).median()
    assert batch.y.shape[-1] == 16 and abs(float(steps) - 2) < 0.6


def test_rows_do_not_depend_on_how_a_batch_is_divided(folders: tuple[Path, Path]) -> None:
    source = pairs(folders, augment=True, told=0.5, gray_share=0.5)
    whole = source.batch(5, range(8), 8, CPU)
    parts = [source.batch(5, rows, 8, CPU) for rows in (range(3), range(3, 8))]
    assert torch.equal(whole.y, torch.cat([part.y for part in parts]))
    assert torch.equal(whole.target, torch.cat([part.target for part in parts]))
    sigma = torch.cat([part.cond["sigma"] for part in parts])
    assert torch.equal(whole.cond["sigma"].nan_to_num(-1), sigma.nan_to_num(-1))
    assert not torch.equal(whole.y, source.batch(6, range(8), 8, CPU).y)
    assert source.steps_per_epoch(4) == 2 * 60 * 70 // (4 * 16**2)


def test_some_are_told_the_root_mean_square_of_what_differs(folders: tuple[Path, Path]) -> None:
    batch = pairs(folders, told=0.5, patch=40).batch(0, range(200), 200, CPU)  # wider than the window
    told = batch.cond["sigma"]
    assert told.shape == (200, 1, 40, 40)
    known = ~told.isnan().any((1, 2, 3))
    assert 60 < int(known.sum()) < 140 and told[~known].isnan().all()
    even = known & (told == told[:, :, :1, :1]).all((1, 2, 3))  # one number for the patch
    assert 0.2 < int(even.sum()) / int(known.sum()) < 0.7
    rms = (batch.y - batch.target).square().mean((1, 2, 3)).sqrt()
    torch.testing.assert_close(told[even][:, 0, 0, 0], rms[even], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(batch.info["sigma"], rms)
    local = told[known & ~even]
    assert (local.amin((1, 2, 3)) < local.amax((1, 2, 3))).all() and local.min() > 20 / 255 * 0.99


def test_some_turn_gray_both_alike(folders: tuple[Path, Path]) -> None:
    batch = pairs(folders, gray_share=0.5).batch(0, range(100), 100, CPU)
    y, x = ((v == v[:, :1]).all(dim=(1, 2, 3)) for v in (batch.y, batch.target))
    assert 25 < int(x.sum()) < 75 and torch.equal(x, y)


def deep(path: Path, values: np.ndarray) -> None:
    kind = "grey16" if values.shape[2] == 1 else "rgb16"
    pyvips.Image.new_from_array(values.astype(np.uint16)).copy(interpretation=kind).write_to_file(str(path))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tif[compression=lzw]"])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_rounded_to_8(tmp_path: Path, suffix: str, channels: int) -> None:
    values = np.random.default_rng(0).integers(0, 2**16, (20, 24, channels))
    for folder, offset in (("noisy", 300), ("clean", 0)):
        (tmp_path / folder).mkdir()
        values_here = np.clip(values + offset, 0, 65535)
        deep(tmp_path / folder / f"a{suffix}", values_here)
        expected = np.broadcast_to(np.round(values_here / 257).astype(np.uint8), (20, 24, 3))
        np.testing.assert_array_equal(load_images(str(tmp_path / folder)).pixels[0], expected)
    noisy, clean = load_pairs([str(tmp_path / "noisy"), str(tmp_path / "clean")])
    assert (noisy.pixels[0].astype(int) - clean.pixels[0]).mean() == pytest.approx(300 / 257, abs=0.3)


def test_pages_of_tiff_files_are_paired(tmp_path: Path) -> None:
    for offset, folder in enumerate(("noisy", "clean")):
        (tmp_path / folder).mkdir()
        pages = [Image.fromarray(scene(seed) + np.uint8(offset)) for seed in range(3)]
        pages[0].save(tmp_path / folder / "stack.tif", save_all=True, append_images=pages[1:])
    both = [str(tmp_path / "noisy"), str(tmp_path / "clean")]
    assert load_pairs(both)[0].names == ("stack-0", "stack-1", "stack-2")
    pages[0].save(tmp_path / "clean/stack.tif", save_all=True, append_images=pages[1:2])
    with pytest.raises(
        ImageError, match=r"1 of 3 pictures in .*noisy have no partner in .*clean: 'stack-2'\. Give both"
    ):
        load_pairs(both)


def rename(folder: Path, old: str, new: str) -> None:
    (folder / old).rename(folder / new)


def cut(folder: Path) -> None:
    Image.fromarray(scene(0, 60, 64)).save(folder / "a.png")


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (
            lambda noisy, clean: shutil.rmtree(clean),
            UnknownName,
            r"Expected two folders or zips of pictures, but '.*clean' is none\. Paths are relative to",
        ),
        (
            lambda noisy, clean: [rename(clean, "a.png", "x.png"), rename(clean, "deep/b.png", "y.png")],
            ImageError,
            r"No picture in .*noisy has the name of one in .*clean: the first has 'a', 'deep/b', the second 'x', 'y'\. "
            r"Give both pictures of a pair the same name \(suffixes may differ\), or take the others away\.",
        ),
        (
            lambda noisy, clean: rename(clean, "a.png", "x.png"),
            ImageError,
            r"1 of 2 pictures in .*noisy have no partner in .*clean: 'a'; "
            r"1 of 2 pictures in .*clean have no partner in .*noisy: 'x'\. Give both",
        ),
        (
            lambda noisy, clean: [shutil.copy(clean / "a.png", clean / f"{i}.png") for i in range(5)],
            ImageError,
            r"^5 of 7 pictures in .*clean have no partner in .*noisy: '0', '1', '2' and 2 more\.",
        ),
        (
            lambda noisy, clean: shutil.copy(noisy / "a.tif", noisy / "a.png"),
            ImageError,
            r"noisy has several pictures of one name: 'a'\. Keep one of each name, whatever the suffix\.",
        ),
        (
            lambda noisy, clean: cut(clean),
            ImageError,
            r"1 of 2 pairs differ in size, such as 'a': 70x60 pixels in .*noisy, 64x60 pixels in .*clean\. Cut both",
        ),
        (
            lambda noisy, clean: deep(clean / "a.png", 257 * scene(0).astype(int)),
            ImageError,
            r"1 of 2 pairs differ in bit depth, such as 'a': 8 bits in .*noisy, 16 bits in .*clean\. Save both alike",
        ),
        (
            lambda noisy, clean: [shutil.rmtree(noisy), shutil.copytree(clean, noisy)],
            ConfigError,
            r"noisy and .*clean hold the same pictures\. Give the noisy pictures first, then the clean ones\.",
        ),
        (
            lambda noisy, clean: [shutil.rmtree(clean), clean.symlink_to(noisy)],
            ConfigError,
            r"Expected two folders of a pair, got .*noisy twice\. Give the noisy pictures first",
        ),
        (
            lambda noisy, clean: [shutil.rmtree(clean), clean.mkdir()],
            ImageError,
            r"There is no picture \(\.png, .*\) in .*clean",
        ),
        (
            lambda noisy, clean: [shutil.rmtree(clean), clean.write_text("text")],
            ImageError,
            r"clean is neither a folder nor a zip of pictures",
        ),
    ],
)
def test_what_is_no_pair_is_refused(
    folders: tuple[Path, Path], spoil: Callable[[Path, Path], object], error: type[VaezooError], message: str
) -> None:
    spoil(*folders)
    with pytest.raises(error, match=message):
        load_pairs(paths(folders))


def test_pictures_of_two_scenes_are_warned_of(folders: tuple[Path, Path]) -> None:
    Image.fromarray(np.rot90(scene(0), 2)).save(folders[1] / "a.png")
    with pytest.warns(UserWarning, match=r"1 of 2 pairs of .* hardly show one scene: 'a'; look whether"):
        load_pairs(paths(folders))


@pytest.mark.filterwarnings("error")
def test_dark_noisy_and_flat_pictures_may_be_pairs(folders: tuple[Path, Path]) -> None:
    noise = np.random.default_rng(0).normal(0, 60, (60, 70, 3))
    Image.fromarray((np.clip(scene(0) + noise, 0, 255) / 5).astype(np.uint8)).save(folders[0] / "a.tif")
    Image.fromarray(np.full((60, 70, 3), 90, np.uint8)).save(folders[1] / "deep/b.png")
    assert load_pairs(paths(folders))


def test_patches_that_do_not_fit_are_refused(folders: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigError, match=r"Patches of 40 at scale 0\.5 do not fit into a pair of 60 pixels\. Lower"):
        pairs(folders, patch=40, scale=[0.5, 1.0])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.pairs=[a]"], r"data\.pairs should be two folders or zips .*\[NOISY,CLEAN\], not \['a'\]"),
        (["data.pairs=[a,b,c]"], r"data\.pairs should be two folders or zips"),
        (["data.valid_pairs=[a]"], r"data\.valid_pairs should be two folders or zips"),
        (["data.pairs=[a,b]", "data.patch=0"], r"data\.pairs should be used with a patch, such as data\.patch=128"),
        (
            ["data.pairs=[a,b]", "data.damage=photo"],
            r"replaces data\.damage, but that is 'photo'\. Set data\.d",
        ),
        (
            ["data.pairs=[a,b]", "data.sets=[c]"],
            r"replaces data\.sets, but that is \['c'\]\. Set data\.sets=\[\]",
        ),
        (["data.pairs=[a,b]", "data=c"], r"replaces data\.sets, but that is \['c'\]"),
        (
            ["data.pairs=[a,b]", "data.valid=[c]"],
            r"replaces data\.valid, .* Set data\.valid=\[\], and data\.valid_pairs=",
        ),
        (
            ["data.pairs=[a,b]", "data.sigma=[0,9]"],
            r"replaces data\.sigma, but that is \[0\.0, 9\.0\]\. Set data\.sigma=",
        ),
        (["data.pairs=[a,b]", "data.camera=0.5"], r"replaces data\.camera, but that is 0\.5\. Set data\.camera=0"),
        (["data.pairs=[a,b]", "data.grain=0.5"], r"replaces data\.grain, but that is 0\.5\. Set data\.grain=0"),
        (
            ["data.valid_pairs=[a,b]", "data.valid=[c]"],
            r"data\.valid_pairs replaces data\.valid, but that is",
        ),
        (
            ["data.valid_pairs=[a,b]", "data.damage=reduce"],
            r"data\.valid_pairs should be used without the damage 'reduce'",
        ),
    ],
)
def test_a_recipe_with_pairs_has_nothing_that_they_take_the_place_of(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe("denoise-photo", overrides)


def test_pairs_on_the_command_line_take_the_place_of_a_recipes_pictures_noise_and_damage() -> None:
    for name in ("denoise-photo", "denoise", "lowlight", "dejpeg"):
        recipe = load_recipe(name, ["data.pairs=[noisy,clean]", "data.told=0.5"])
        data = recipe.data
        assert data.pairs == ["noisy", "clean"] and data.sets == data.valid == [] and data.damage == ""
        assert data.sigma == [0.0, 0.0] and data.told == 0.5 and data.patch == load_recipe(name).data.patch
    assert load_recipe("denoise", ["data.pairs=[noisy,clean]", "data.sets=[]"]).data.sets == []
    validated = load_recipe("denoise-photo", ["data.valid_pairs=[noisy,clean]"]).data
    assert validated.valid == [] and validated.sets and validated.damage == "photo"


def test_pairs_are_part_of_the_hash_and_none_are_not() -> None:
    plain, own = load_recipe("denoise"), load_recipe("denoise", ["data.pairs=[noisy,clean]"])
    other = load_recipe("denoise", ["data.pairs=[noisy,clean]", "data.valid_pairs=[a,b]"])
    assert len({recipe_hash(recipe) for recipe in (plain, own, other)}) == 3
    assert recipe_hash(plain) == recipe_hash(load_recipe("denoise", ["data.pairs=[]", "data.valid_pairs=[]"]))


def test_sets_and_pairs_open_their_own_sources(folders: tuple[Path, Path]) -> None:
    data = DataRecipe(sets=[str(folders[1])], patch=16, sigma=[0.0, 9.0], valid_pairs=paths(folders))
    assert not isinstance(open_source(data, data.sets, 0, data.pairs), Pairs)
    assert isinstance(open_source(data, data.valid, 1, data.valid_pairs), Pairs)


def test_the_shipped_denoiser_is_trained_further_on_them_from_the_shell(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = ["denoise-photo", "--stage", "first", "data.pairs=[noisy,clean]", "data.valid_pairs=[noisy,clean]"]
    told.append("data.sets=[]")
    small = ["data.patch=16", "steps=3", "batch=2", "optimizer.warmup=1", "precision=fp32"]
    result = CliRunner().invoke(
        train, [*told, *small, "overrides=[loss.bound_weight=0,loss.margin=2]", "--json"], catch_exceptions=False
    )
    answer = json.loads(result.stdout)
    assert answer["steps"] == 3 and "valid.psnr_db" in answer["reports"]
    record = json.loads(Path("runs/denoise-photo/first/run.json").read_text())
    noisy, clean = load_pairs(["noisy", "clean"])
    assert record["data"] == [
        {"set": "noisy", "sha256": noisy.sha256, "licence": "unknown", "images": 2},
        {"set": "clean", "sha256": clean.sha256, "licence": "unknown", "images": 2},
    ]
    assert record["recipe"]["data"]["pairs"] == ["noisy", "clean"]
    import vaezoo

    shipped = vaezoo.create("denoise.open", pretrained=True)
    moved = vaezoo.load("runs/denoise-photo/first/model")
    largest = max(
        float((one - other).abs().max())
        for (one, other) in zip(shipped.state_dict().values(), moved.state_dict().values(), strict=True)
    )
    assert 0 < largest < 0.05  # they began as the shipped weights


@pytest.mark.parametrize("key", ["pairs", "valid_pairs"])
def test_a_model_that_enlarges_takes_no_pairs(folders: tuple[Path, Path], tmp_path: Path, key: str) -> None:
    recipe = Recipe(model="sr-fast", steps=1, batch=1, data=DataRecipe(patch=16))
    recipe.data.sets = [str(folders[1])] if key == "valid_pairs" else []
    setattr(recipe.data, key, paths(folders))
    with pytest.raises(
        ConfigError, match=r"The model 'sr-fast' enlarges, but both pictures .* with data\.damage=reduce"
    ):
        train_by(recipe, tmp_path / "run")
