"""`enhance`: from any kind of image to the same kind, with strength and uncertainty."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from vaezoo_denoise.denoise import Denoise

import vaezoo
from vaezoo.errors import ConfigError, ImageError, UnknownName
from vaezoo.host.manager import current_zoo
from vaezoo.image import Picture, write_picture
from vaezoo.restore import Restorer, enhance, enhance_with

from .fakes import Smoother

NOISY = np.random.RandomState(0).rand(30, 41, 3).astype(np.float32)


def test_uncertainty_is_the_root_mean_square_over_channels() -> None:
    result = enhance(NOISY, model=Smoother())
    assert result.scale is not None and result.uncertainty is not None
    assert result.scale.shape == (30, 41, 3) and result.uncertainty.shape == (30, 41)
    y = torch.from_numpy(NOISY).permute(2, 0, 1)[None]
    scale = (Smoother().restore(y).image - y).abs()[0].permute(1, 2, 0)
    np.testing.assert_allclose(result.scale, scale.detach(), atol=1e-6)
    np.testing.assert_allclose(result.uncertainty, np.sqrt((result.scale**2).mean(2)), atol=1e-6)
    assert result.seconds > 0 and result.device == "cpu" and result.tile == 44


def test_a_model_without_scale_has_no_uncertainty() -> None:
    result = enhance(NOISY, model=Smoother(scaled=False))
    assert result.uncertainty is None and result.scale is None


def test_strength_mixes_input_and_output() -> None:
    full = enhance(NOISY, model=Smoother())
    half = enhance(NOISY, model=Smoother(), strength=0.25)
    np.testing.assert_allclose(half.image, 0.75 * NOISY + 0.25 * full.image, atol=1e-6)
    np.testing.assert_array_equal(enhance(NOISY, model=Smoother(), strength=0).image, NOISY)
    np.testing.assert_array_equal(half.uncertainty, full.uncertainty)


def test_every_kind_comes_back_and_agrees(tmp_path: Path) -> None:
    levels = np.rint(NOISY * 255).astype(np.uint8)
    write_picture(Picture(levels), tmp_path / "a.png")
    expected = enhance(levels, model=Smoother()).image
    pil = enhance(Image.fromarray(levels), model=Smoother()).image
    tensor = enhance(torch.from_numpy(levels.transpose(2, 0, 1) / np.float32(255)), model=Smoother()).image
    assert isinstance(pil, Image.Image) and (np.asarray(pil) == expected).all()
    assert (np.rint(tensor.numpy().transpose(1, 2, 0) * 255) == expected).all()
    assert (enhance(tmp_path / "a.png", model=Smoother()).image.pixels == expected).all()


def test_a_16_bit_gray_picture_with_alpha() -> None:
    alpha = np.random.RandomState(1).randint(0, 65536, (30, 41)).astype(np.uint16)
    picture = Picture(np.rint(NOISY[..., :1] * 65535).astype(np.uint16), alpha, icc=b"profile")
    image = enhance(picture, model=Smoother(3)).image
    assert image.bits == 16 and (image.alpha == alpha).all() and image.icc == b"profile"
    assert len(np.unique(image.pixels)) > 256


def test_a_name_is_made_a_pretrained_model(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, bool]] = []

    def create(name: str, pretrained: bool = False) -> Smoother:
        asked.append((name, pretrained))
        return Smoother()

    monkeypatch.setattr("vaezoo.publish.loading.create", create)
    enhance(np.full((32, 32, 3), 0.5, np.float32))
    enhance(NOISY, model="other", device="cpu")
    assert asked == [("denoise", True), ("other", True)]


def test_progress_is_passed_on() -> None:
    seen: list[tuple[int, int]] = []
    enhance(NOISY, model=Smoother(), tile=16, progress=lambda *now: seen.append(now))
    assert seen[-1][0] == seen[-1][1] == len(seen) > 1


def test_misuse_is_refused() -> None:
    for strength in ("1", None, float("nan")):
        with pytest.raises(ConfigError, match=r"Strength is 0 to 3, not ('1'|None|nan)"):
            enhance(NOISY, model=Smoother(), strength=strength)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"Strength is 0 to 1 for the task .denoise., not 1\.5"):
        enhance(NOISY, model=Smoother(), strength=1.5)
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        enhance("nothing.png", model=Smoother())


REFUSAL = (
    r"^Expected a model that restores images, but '{0}' generates them: its task is 'generate'\. "
    r"Take deblur, dejpeg, denoise, .*sr, or another of vaezoo list --task denoise\. "
    r"One of your own that was trained to restore says so by task: denoise, {1}\.$"
)


@pytest.mark.parametrize("task", [None, "denoise", "sr", Denoise()])
@pytest.mark.parametrize("name", ["conv-beta", "conv-beta.fashion", "vaezoo/conv-beta", "denoising-vae"])
def test_a_generative_model_is_refused_by_name_before_its_weights_are_looked_for(
    name: str, task: str | Denoise | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vaezoo.publish.loading.create", lambda *_, **__: pytest.fail("it was made"))
    with pytest.raises(ConfigError, match=REFUSAL.format(name, "where it is declared")):
        enhance(NOISY, model=name, task=task)


def test_a_generative_model_itself_is_refused() -> None:
    model = vaezoo.create("conv-beta", image_channels=3)
    for call in (lambda: enhance(NOISY, model=model), lambda: enhance(NOISY, model=model, task="sr")):
        with pytest.raises(ConfigError, match=REFUSAL.format("conv-beta", "where it is declared")):
            call()
    for task in (None, Denoise()):
        with pytest.raises(ConfigError, match="'conv-beta' generates them"):
            enhance_with(Restorer(model), NOISY, task=task)
    on_tensors = Restorer(model)(torch.zeros(1, 3, 16, 16))  # who writes this knows what the model is
    assert on_tensors.image.shape == (1, 3, 16, 16)


def test_a_saved_generative_model_is_refused_until_its_folder_says_that_it_restores(tmp_path: Path) -> None:
    folder = vaezoo.save(vaezoo.create("conv-beta", image_channels=3), tmp_path / "mine")
    with pytest.raises(ConfigError, match=REFUSAL.format(".*mine", "in .*mine/vaezoo.yaml")):
        enhance(NOISY, model=str(folder))
    told = (folder / "vaezoo.yaml").read_text()
    (folder / "vaezoo.yaml").write_text(told.replace("\nmodel:\n", "\nmodel:\n  task: denoise\n"))
    assert enhance(NOISY, model=str(folder)).image.shape == NOISY.shape


@pytest.mark.parametrize(
    ("declared", "refused"), [({}, False), ({"task": "denoise"}, False), ({"task": "generate"}, True)]
)
def test_a_model_of_ones_own_runs_unless_it_says_that_it_is_generative(
    declared: dict[str, str], refused: bool, tmp_path: Path
) -> None:
    shared = {"image_channels": 3, "latent_channels": 4}
    body = {"shared": shared, "encoder": "conv", "prior": "normal", "decoder": "conv", "loss": "elbo", **declared}
    try:
        vaezoo.register_model("my-own", body)
        model = vaezoo.create("my-own")
        for given in (model, str(vaezoo.save(model, tmp_path / "saved"))):
            if refused:
                with pytest.raises(ConfigError, match="generates them"):
                    enhance(NOISY, model=given)
            else:
                assert enhance(NOISY, model=given).image.shape == NOISY.shape
    finally:
        current_zoo().registry.models.entries.pop("my-own", None)


def test_a_model_that_restores_something_else_and_a_name_of_none() -> None:
    assert enhance(NOISY, model=vaezoo.create("dejpeg", seed=0), task="denoise").image.shape == NOISY.shape
    with pytest.raises(UnknownName, match="Expected a known model, got 'conv-betta'"):
        enhance(NOISY, model="conv-betta")
