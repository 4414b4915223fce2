"""What diffusers computes, vaezoo computes: encoder, decoder, scaled latents, from the file that diffusers saved."""

from __future__ import annotations

import json

import pytest
import torch
import vaezoo
from conftest import theirs
from safetensors.torch import load_file, save_file
from vaezoo.core import Batch, DiagonalGaussian, Dirac, Noise
from vaezoo.errors import TensorMismatch

import vaezoo_diffusers
from vaezoo_diffusers.names import adapt

CLOSE = {"rtol": 0, "atol": 1e-5}


def image_for(made, size=(16, 24)):
    return torch.rand(2, made.config.in_channels, *size, generator=torch.Generator().manual_seed(2))


def unit(made):
    return made.config.scaling_factor, made.config.shift_factor or 0.0


@torch.no_grad()
def test_encode_equals_diffusers(folder):
    path, made = folder
    model = vaezoo.create(**vaezoo_diffusers.arguments(path))
    image, (scaling, shift) = image_for(made), unit(made)
    belief, encoded = model.encode(image), made.encode(2 * image - 1)
    if isinstance(belief, Dirac):
        torch.testing.assert_close(belief.mean, (encoded.latents - shift) * scaling, **CLOSE)
        return
    assert isinstance(belief, DiagonalGaussian)
    posterior = encoded.latent_dist
    torch.testing.assert_close(belief.mean, (posterior.mean - shift) * scaling, **CLOSE)
    torch.testing.assert_close(torch.exp(0.5 * belief.logvar), posterior.std * scaling, **CLOSE)
    assert belief.mean.abs().max() > 1e-2 and belief.logvar.std() > 1e-2, "too near zero to test anything"


@torch.no_grad()
def test_decode_equals_diffusers(folder):
    path, made = folder
    model = vaezoo.create(**vaezoo_diffusers.arguments(path))
    scaling, shift = unit(made)
    z = torch.randn(2, made.config.latent_channels, 4, 6, generator=torch.Generator().manual_seed(3))
    decoded = made.decode(z / scaling + shift).sample
    height, width = decoded.shape[-2:]
    likelihood = model.decode(z, size=(height, width))
    torch.testing.assert_close(likelihood.image, (decoded + 1) / 2, **CLOSE)
    assert likelihood.image.std() > 1e-2, "too flat to test anything"


@torch.no_grad()
def test_the_round_trip_scales_latents_once(folder):
    """Encoding and decoding through the library is diffusers' own round trip, without scaling anything by hand."""
    path, made = folder
    model = vaezoo.create(**vaezoo_diffusers.arguments(path))
    image = image_for(made)
    encoded = made.encode(2 * image - 1)
    raw = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mean
    expected = ((made.decode(raw).sample + 1) / 2).clamp(0, 1)
    torch.testing.assert_close(model.restore(image).image, expected, **CLOSE)
    torch.testing.assert_close(model.decode(model.encode(image).mean, y=image).image.clamp(0, 1), expected, **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("key", ["sd", "flux"])
def test_a_unit_of_one_is_the_raw_one(folder):
    """The rate in raw latents is that of diffusers; in scaled ones it is another number."""
    path, made = folder
    image = image_for(made)
    raw = vaezoo.create(**{**vaezoo_diffusers.arguments(path), "scaling_factor": 1.0, "shift_factor": 0.0})
    rate = raw(Batch(image), noise=Noise(seed=0)).rate
    torch.testing.assert_close(rate, made.encode(2 * image - 1).latent_dist.kl(), rtol=1e-4, atol=1e-3)
    scaled = vaezoo.create(**vaezoo_diffusers.arguments(path))
    assert not torch.allclose(scaled(Batch(image), noise=Noise(seed=0)).rate, rate, rtol=0.05)


@torch.no_grad()
@pytest.mark.parametrize("key", ["sd"])
def test_the_log_variance_is_cut_off_where_diffusers_cuts_it_off(folder):
    path, made = folder
    model = vaezoo.create(**vaezoo_diffusers.arguments(path))
    for end in (-1e3, 1e3):
        for convolution in (made.quant_conv, model.encoder.quant_conv):
            convolution.bias[4:] = end
        image, (scaling, _) = image_for(made), unit(made)
        std = made.encode(2 * image - 1).latent_dist.std
        torch.testing.assert_close(torch.exp(0.5 * model.encode(image).logvar), std * scaling, rtol=1e-5, atol=0)


@torch.no_grad()
def test_odd_sizes_are_padded_by_the_library_alone(folder):
    path, made = folder
    model = vaezoo.create(**vaezoo_diffusers.arguments(path))
    image = image_for(made, (13, 18))
    padded = torch.nn.functional.pad(image, (0, -18 % model.stride, 0, -13 % model.stride), mode="replicate")
    torch.testing.assert_close(model.encode(image).mean, model.encode(padded).mean, **CLOSE)
    assert model.restore(image).image.shape == image.shape


# The names of tensors


OLD = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
ORIGINAL = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out", "group_norm": "norm"}


def with_attention(tensors, layers):
    """The tensors with other names for the layers of attention."""
    renamed = {}
    for name, tensor in tensors.items():
        for now, then in layers.items():
            if ".attentions." in name:
                name = name.replace(f".{now}.", f".{then}.")
        renamed[name] = tensor
    return renamed


def as_original(tensors, scales):
    """The tensors as the original latent diffusion code names and shapes them."""
    renamed = {}
    for name, tensor in with_attention(tensors, ORIGINAL).items():
        if ".attentions." in name and tensor.dim() == 2:
            tensor = tensor[:, :, None, None]
        for index in range(scales):
            name = name.replace(f"down_blocks.{index}.", f"down.{index}.")
            name = name.replace(f"up_blocks.{index}.", f"up.{scales - 1 - index}.")
        for now, then in (
            ("mid_block.resnets.0", "mid.block_1"),
            ("mid_block.resnets.1", "mid.block_2"),
            ("mid_block.attentions.0", "mid.attn_1"),
            (".resnets.", ".block."),
            (".attentions.", ".attn."),
            ("samplers.0.", "sample."),
            ("conv_shortcut", "nin_shortcut"),
            ("conv_norm_out", "norm_out"),
        ):
            name = name.replace(now, then)
        renamed[name] = tensor.contiguous()
    return renamed


def reconstruction(made, image):
    return ((made(2 * image - 1).sample + 1) / 2).clamp(0, 1)


@torch.no_grad()
@pytest.mark.parametrize("key", ["sd", "attentive"])
def test_attention_under_its_old_names_is_adapted(folder, tmp_path):
    path, made = folder
    tensors = load_file(path / "diffusion_pytorch_model.safetensors")
    old = with_attention(tensors, OLD)
    assert len(old.keys() - tensors.keys()) >= 16
    save_file(old, tmp_path / "old.safetensors")
    model = vaezoo.create(**vaezoo_diffusers.arguments(path / "config.json"), pretrained=tmp_path / "old.safetensors")
    image = image_for(made)
    torch.testing.assert_close(model.restore(image).image, reconstruction(made, image), **CLOSE)


@torch.no_grad()
@pytest.mark.parametrize("whole", [False, True], ids=["alone", "in a checkpoint"])
@pytest.mark.parametrize("key", ["sd", "flux", "attentive"])
def test_a_file_of_the_original_code_is_adapted(folder, whole, tmp_path):
    """Also inside the checkpoint of a whole diffusion model, and beside what its training left."""
    path, made = folder
    tensors = as_original(made.state_dict(), len(made.config.block_out_channels))
    if whole:
        tensors = {f"first_stage_model.{name}": tensor for name, tensor in tensors.items()}
        tensors["model.diffusion_model.out.2.bias"] = torch.zeros(4)
    else:
        tensors["model_ema.decay"] = torch.tensor(0.9999)
    save_file(tensors, tmp_path / "original.safetensors")
    given = vaezoo_diffusers.arguments(path / "config.json")
    model = vaezoo.create(**given, pretrained=tmp_path / "original.safetensors")
    image = image_for(made)
    torch.testing.assert_close(model.restore(image).image, reconstruction(made, image), **CLOSE)


@pytest.mark.parametrize("key", ["sd"])
def test_the_original_names_are_read_as_diffusers_reads_them(folder):
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    _, made = folder
    original = as_original(made.state_dict(), 3)
    read = convert_ldm_vae_checkpoint(dict(original), dict(made.config))
    ours, same = adapt(original), adapt(read)
    assert ours.keys() == same.keys()
    assert all(torch.equal(ours[name], same[name]) for name in ours)


@pytest.mark.parametrize("name", ["sd-vae", "sdxl-vae", "autoencoder-kl"])
def test_a_named_model_loads_a_file_of_diffusers(name, tmp_path):
    made = theirs("sd")
    made.save_pretrained(tmp_path)
    settings = {"block_out_channels": (8, 16, 16), "norm_num_groups": 4}
    model = vaezoo.create(name, pretrained=f"{tmp_path}/diffusion_pytorch_model.safetensors", **settings)
    assert model.origin.weights.tensors == len(made.state_dict())
    assert torch.equal(model.encoder.quant_conv.weight, made.quant_conv.weight)
    assert torch.equal(model.decoder.network.conv_out.bias, made.decoder.conv_out.bias)


def test_a_file_of_vaezoo_loads_as_it_is(tmp_path):
    settings = {"block_out_channels": (8, 8), "norm_num_groups": 4, "layers_per_block": 1}
    model = vaezoo.create("sd-vae", seed=3, **settings)
    save_file(model.state_dict(), tmp_path / "own.safetensors")
    again = vaezoo.create("sd-vae", pretrained=tmp_path / "own.safetensors", **settings)
    assert torch.equal(again.encoder.network.conv_in.weight, model.encoder.network.conv_in.weight)


def test_another_configuration_is_refused(tmp_path):
    theirs("sd").save_pretrained(tmp_path)
    with pytest.raises(TensorMismatch, match=r"missing.*extra"):
        vaezoo.create(
            "sd-vae",
            pretrained=tmp_path / "diffusion_pytorch_model.safetensors",
            block_out_channels=(8, 16),
            norm_num_groups=4,
        )


@torch.no_grad()
@pytest.mark.parametrize("key", ["tiny"])
def test_half_precision_files_are_read(folder):
    path, made = folder
    tensors = {name: tensor.half() for name, tensor in made.state_dict().items()}
    whole = vaezoo.create(**vaezoo_diffusers.arguments(path)).restore(image_for(made)).image
    (path / "diffusion_pytorch_model.safetensors").unlink()
    save_file(tensors, path / "diffusion_pytorch_model.fp16.safetensors")
    model = vaezoo.create(**vaezoo_diffusers.arguments(path))
    assert model.encoder.network.layers[0].weight.dtype == torch.float32
    torch.testing.assert_close(model.restore(image_for(made)).image, whole, rtol=0, atol=2e-2)
    assert len(model.origin.weights.adapted) == len(tensors)


def test_the_model_is_made_again_without_the_file(folder):
    """All of a config.json is in the arguments: nothing refers to it afterwards."""
    path, made = folder
    given = vaezoo_diffusers.arguments(path)
    weights = given.pop("pretrained")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").unlink()
    model = vaezoo.create(**given, pretrained=weights)
    assert model.decoder.network.state_dict().keys() == made.decoder.state_dict().keys()
    assert config["_class_name"] == type(made).__name__
