"""The contract of the transformers, and what makes them such: patches in their places, and tokens that all meet."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from vaezoo_vit.networks import Positions, ViTDecoder, ViTEncoder, to_grid, to_tokens, unpatchify

from vaezoo import create, create_objective
from vaezoo.core import Batch, Context, Likelihood
from vaezoo.core.noise import Noise
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.testing import ModelContract, PluginContract
from vaezoo.testing.model import stirred

SMALL: dict[str, Any] = {"width": 32, "blocks": 2}


class TestPlugin(PluginContract):
    package = "vaezoo_vit"


class TestViT(ModelContract):
    model = "vit-vae"
    params = SMALL


class TestViTOfCodes(ModelContract):
    """Discrete latents for each patch, under a transformer."""

    model = "vit-vae"
    params = {**SMALL, "encoder": {"belief": "dirac"}, "prior": "vq", "image_channels": 3, "image_size": [30, 34]}


class TestViTTold(ModelContract):
    """A label scales what the blocks give."""

    model = "vit-vae"
    params = {**SMALL, "conditioner": "labels", "encoder": {"modulate": "film"}, "decoder": {"modulate": "film"}}

    def cond(self, images: int) -> dict[str, Tensor]:
        return {"label": torch.arange(images) % 10}


def image_of(likelihood: Likelihood) -> Tensor:
    return likelihood.image


def context(batch: int, height: int, width: int) -> Context:
    return Context(batch, (height, width))


# Patches


def test_unpatchify_inverts_cutting_a_picture_into_patches() -> None:
    image = torch.randn(2, 3, 12, 20)
    patches = F.unfold(image, 4, stride=4).transpose(1, 2)
    assert patches.shape == (2, 15, 48)
    assert torch.equal(unpatchify(patches, (3, 5), 4), image)
    again = F.unfold(unpatchify(patches, (3, 5), 4), 4, stride=4).transpose(1, 2)
    assert torch.equal(again, patches)


def test_tokens_and_grids_invert_each_other_row_by_row() -> None:
    grid = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    tokens = to_tokens(grid)
    assert torch.equal(tokens[1, 5 * 2 + 3], grid[1, :, 2, 3])
    assert torch.equal(to_grid(tokens, (4, 5)), grid)


def test_the_encoders_cell_is_its_patch_and_the_decoders_patch_is_its_cell() -> None:
    """Without blocks that mix them, what one patch holds is in one cell, at one place on both sides."""
    torch.manual_seed(0)
    encoder = ViTEncoder(3, image_size=(12, 20), width=8, blocks=1, heads=2).eval()
    decoder = ViTDecoder(3, image_size=(12, 20), width=8, blocks=1, heads=2).eval()
    for blocks in (encoder.body.blocks, decoder.blocks):
        for block in blocks:
            torch.nn.init.zeros_(block.attn.proj.weight)
    image = torch.rand(1, 1, 12, 20)
    changed = image.clone()
    changed[..., 4:8, 12:16] = 1 - changed[..., 4:8, 12:16]
    here = context(1, 12, 20)
    with torch.no_grad():
        moved = (encoder(image, here).mean != encoder(changed, here).mean).any(1)[0]
        expected = torch.zeros(3, 5, dtype=torch.bool)
        expected[1, 3] = True
        assert torch.equal(moved, expected)
        state = torch.randn(1, 3, 3, 5)
        other = state.clone()
        other[..., 1, 3] += 1
        moved = image_of(decoder(state, here)) != image_of(decoder(other, here))
    assert torch.equal(moved[0, 0], expected.repeat_interleave(4, 0).repeat_interleave(4, 1))


# What transformers do


def test_every_pixel_depends_on_every_token() -> None:
    model = create("vit-vae", seed=0, **SMALL)
    stirred(model)
    state = torch.randn(1, 4, 7, 7, requires_grad=True)
    image = image_of(model.decoder(state, context(1, 28, 28)))
    for row, column in ((0, 0), (13, 27), (27, 5)):
        (pull,) = torch.autograd.grad(image[0, 0, row, column], state, retain_graph=True)
        assert (pull.abs().sum(1) > 0).all()
    picture = torch.rand(1, 1, 28, 28, requires_grad=True)
    assert model.encoder is not None
    (pull,) = torch.autograd.grad(model.encoder(picture, context(1, 28, 28)).mean[0, 0, 6, 0], picture)
    assert (pull != 0).all()


@torch.no_grad()
def test_positions_matter_and_without_them_patches_have_no_order() -> None:
    torch.manual_seed(0)
    encoder = ViTEncoder(3, image_size=(8, 8), width=16, blocks=2, heads=2).eval()
    decoder = ViTDecoder(3, image_size=(8, 8), width=16, blocks=2, heads=2).eval()
    image, state, here = torch.rand(1, 1, 8, 8), torch.randn(1, 3, 2, 2), context(1, 8, 8)

    def swap(grid: Tensor, patch: int) -> Tensor:
        return torch.roll(grid, patch, dims=3)  # left and right columns of patches change places

    def apart() -> tuple[float, float]:
        before, after = encoder(image, here).mean, encoder(swap(image, 4), here).mean
        drawn, drawn_after = image_of(decoder(state, here)), image_of(decoder(swap(state, 1), here))
        return float((swap(before, 1) - after).abs().max()), float((swap(drawn, 4) - drawn_after).abs().max())

    assert min(apart()) > 1e-4
    encoder.body.pos_embed.zero_()
    decoder.positions.places.zero_()
    assert max(apart()) < 1e-5


@torch.no_grad()
def test_positions_are_kept_at_their_size_and_resampled_at_others() -> None:
    positions = Positions(2, (4, 6))
    positions.places.copy_(torch.arange(4.0).view(1, 1, 4, 1).expand(1, 2, 4, 6))
    assert torch.equal(positions(torch.zeros(1, 2, 4, 6)), positions.places)
    larger = positions(torch.zeros(1, 2, 8, 3))
    assert larger.shape == (1, 2, 8, 3) and (larger.diff(dim=2) > 0).all()
    torch.testing.assert_close(larger[0, 0, :, 0], larger[0, 1, :, 2])


def test_encoder_and_decoder_are_mirror_images() -> None:
    model = create("vit-vae", image_channels=3, image_size=[32, 40], patch=8)
    assert model.stride == 8 and model.size is None and model.default_size == (32, 40)
    belief = model.encode(torch.rand(2, 3, 32, 40))
    assert belief.mean.shape == (2, 4, 4, 5)  # type: ignore[union-attr]
    assert model.decode(torch.randn(2, 4, 4, 5)).image.shape == (2, 3, 32, 40)
    assert model.encoder is not None
    assert len(model.encoder.body.blocks) == len(model.decoder.blocks) == 4  # type: ignore[arg-type]
    assert tuple(model.decoder.positions.places.shape) == (1, 128, 4, 5)  # type: ignore[union-attr]
    assert tuple(model.encoder.body.pos_embed.shape) == (1, 20, 128)  # type: ignore[union-attr]
    pairs = zip(model.encoder.body.blocks, model.decoder.blocks, strict=True)  # type: ignore[union-attr, arg-type]
    for mine, theirs in pairs:
        assert [p.shape for p in mine.parameters()] == [p.shape for p in theirs.parameters()]


def test_the_named_model_is_small() -> None:
    model = create("vit-vae")
    assert 1e6 < sum(p.numel() for p in model.parameters()) < 2e6


# Learning


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32)])
def test_fifty_steps_lower_the_loss(channels: int, side: int) -> None:
    objective = create_objective("vit-vae", seed=0, image_channels=channels, image_size=[side, side], **SMALL)
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(16, channels, 3, 3, generator=generator)
    images = F.interpolate(coarse, (side, side), mode="bilinear")
    optimiser = torch.optim.AdamW(objective.parameters(), lr=1e-3)
    losses = []
    for step in range(50):
        rows = torch.randperm(16, generator=generator)[:8]
        terms = objective(Batch(images[rows]), step)
        optimiser.zero_grad()
        terms.loss.backward()
        optimiser.step()
        losses.append(float(terms.loss.detach()))
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5]), (losses[:5], losses[-5:])


def test_a_label_changes_the_picture() -> None:
    model = create("vit-vae", seed=0, conditioner="labels", **SMALL).eval()
    stirred(model)
    x = torch.rand(1, 1, 28, 28).expand(2, -1, -1, -1)
    told = model.restore(x, {"label": torch.tensor([1, 2])}, noise=Noise(temperature=0)).image
    assert not torch.allclose(told[0], told[1], atol=1e-5)


# Other transformers, and what is refused


@pytest.mark.parametrize(
    ("backbone", "options"),
    [
        ("vit_small_patch16_dinov3", None),
        ("deit3_base_patch16_224", {"reg_tokens": 2}),
        ("vit_tiny_patch16_224", {"class_token": True}),
    ],
)
def test_other_transformers_of_timm_are_encoders(backbone: str, options: Any) -> None:
    model = create("vit-vae", encoder={"backbone": backbone, "options": options}, **SMALL)
    assert model(Batch(torch.rand(2, 1, 28, 36))).elbo.isfinite().all()


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        ({"heads": 3}, ConfigError, "Expected heads to divide the width of 128, got 3"),
        ({"patch": 0}, ConfigError, "Expected patch, width, blocks and heads of at least 1, got {'patch': 0"),
        ({"encoder.backbone": "resnet18"}, ConfigError, "timm's 'resnet18' cannot be an encoder with options"),
        ({"encoder.backbone": "vit_tiny"}, UnknownName, "Expected a timm backbone, got 'vit_tiny'"),
        ({"encoder.modulate": "adain"}, ConfigError, "Expected modulate to be one of none, film, got 'adain'"),
        ({"encoder.belief": "point"}, ConfigError, "Expected belief to be one of .*got 'point'"),
    ],
)
def test_what_cannot_be_built_is_refused(params: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        create("vit-vae", **params)


@pytest.mark.parametrize("part", [ViTEncoder, ViTDecoder])
def test_parts_refuse_what_their_facts_refuse(part: type) -> None:
    with pytest.raises(ConfigError, match=r"Expected image_size as height and width of at least 1, got \[28\]"):
        part(4, image_size=(28,))
    with pytest.raises(ConfigError, match="Expected heads to divide the width of 128, got 5"):
        part(4, heads=5)
