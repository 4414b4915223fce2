"""What is refused, in which words; what the parts do to tiles; what the declarations say."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import conftest
import pytest
import torch
import vaezoo
from vaezoo.core import VAE, Batch, NormalPrior
from vaezoo.errors import BackendUnavailable, ConfigError, IncompatibleParts, NotNormalised, WeightsError

import vaezoo_diffusers
from vaezoo_diffusers import backend, config, facts, plugin
from vaezoo_diffusers.kl import KLDecoder, KLEncoder
from vaezoo_diffusers.table import SMALL, TABLE
from vaezoo_diffusers.tiny import TinyDecoder, TinyEncoder


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"block_out_channels": (30, 64)}, r"widths that 32 groups divide, got 30\. Set norm_num_groups"),
        ({"block_out_channels": ()}, r"got \(\), 2 and 32"),
        ({"layers_per_block": 0}, "got .*, 0 and 32"),
        ({"norm_num_groups": 0}, "got .*, 2 and 0"),
        ({"act_fn": "sile"}, "Expected an act_fn, got 'sile'. Did you mean 'silu'"),
        ({"scaling_factor": 0.0}, "scaling_factor above 0, got 0.0"),
        ({"scaling_factor": float("nan")}, "got nan"),
    ],
)
def test_settings_that_no_autoencoder_kl_has_are_refused(settings, message):
    for said, part in ((facts.kl_encoder, KLEncoder), (facts.kl_decoder, KLDecoder)):
        for called in (said, part):
            with pytest.raises(ConfigError, match=message):
                called(4, **settings)
    with pytest.raises(ConfigError, match=message):
        vaezoo.create("sd-vae", **settings)


def test_kinds_of_blocks_are_checked():
    with pytest.raises(ConfigError, match=r"kind of block, got 'DownBlock2D'\. Did you mean 'DownEncoderBlock2D'"):
        facts.kl_encoder(4, down_block_types=("DownBlock2D",) * 4)
    with pytest.raises(ConfigError, match="for each of 4 scales, got 1"):
        facts.kl_decoder(4, up_block_types=("UpDecoderBlock2D",))


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"widths": (8, 16), "blocks": (1, 1)}, r"one width for all scales.* got \(8, 16\) and \(1, 1\)"),
        ({"widths": (8, 8), "blocks": (1,)}, r"got \(8, 8\) and \(1,\)"),
        ({"widths": (), "blocks": ()}, r"got \(\) and \(\)"),
    ],
)
def test_settings_that_no_autoencoder_tiny_has_are_refused(settings, message):
    for side, said, part in (
        ("encoder", facts.tiny_encoder, TinyEncoder),
        ("decoder", facts.tiny_decoder, TinyDecoder),
    ):
        named = {f"{side}_block_out_channels": settings["widths"], f"num_{side}_blocks": settings["blocks"]}
        for called in (said, part):
            with pytest.raises(ConfigError, match=f"{message}. Set {side}_block_out_channels"):
                called(4, **named)
    with pytest.raises(ConfigError, match=r"Expected an upsample_fn, got 'near'. Did you mean"):
        facts.tiny_decoder(4, upsample_fn="near")


def test_a_likelihood_without_an_output_is_refused():
    with pytest.raises(ConfigError, match=r"these networks can have, got 'pixel'.*learned or optimal"):
        vaezoo.create("sd-vae", scale="pixel")
    with pytest.raises(ConfigError, match=r"Expected a likelihood, got 'bernoulli'. Known: gaussian, laplace"):
        vaezoo.create("taesd", likelihood="bernoulli")


def test_encoder_and_decoder_of_two_scales_do_not_fit():
    with pytest.raises(IncompatibleParts, match=r"stride 8, but .* takes 4 channels at stride 4"):
        vaezoo.create("taesd", decoder_block_out_channels=(8, 8, 8), num_decoder_blocks=(1, 1, 1))


def test_a_tiny_autoencoder_has_no_bound():
    with pytest.raises(IncompatibleParts, match=r"'elbo' needs a rate.*deterministic"):
        vaezoo.create("taesd", loss="elbo")
    model = vaezoo.create("taesd", **SMALL["tiny"]).eval()
    with pytest.raises(NotNormalised, match="Dirac or its prior has none"):
        model.nll(Batch(torch.rand(1, 3, 16, 16)), 2)


# A folder that diffusers saved


def written(folder, **changes):
    base = {"_class_name": "AutoencoderKL", "_diffusers_version": "0.42.1", "force_upcast": True}
    (folder / "config.json").write_text(json.dumps({**base, **changes}))
    return folder / "config.json"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"_class_name": "AutoencoderKLWan"}, "expected an autoencoder, got 'AutoencoderKLWan'. Did you mean"),
        ({"layers_per_blok": 2}, "unknown key 'layers_per_blok'. Did you mean 'layers_per_block'"),
        ({"latents_mean": [0.0], "latents_std": [1.0]}, "latents_mean and latents_std.* not supported"),
        ({"out_channels": 4}, r"as many channels out as in, got \[3, 4\]"),
    ],
)
def test_a_configuration_that_cannot_be_met_is_refused(changes, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        vaezoo_diffusers.arguments(written(tmp_path, **changes))


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read .*config.json: No such file"):
        vaezoo_diffusers.arguments(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="Expected JSON in"):
        vaezoo_diffusers.arguments(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ConfigError, match=r"Expected a mapping in .*, got list"):
        vaezoo_diffusers.arguments(tmp_path)
    written(tmp_path)
    (tmp_path / "diffusion_pytorch_model.bin").touch()
    with pytest.raises(WeightsError, match=r"found none\. Load it with diffusers and save_pretrained"):
        vaezoo_diffusers.arguments(tmp_path)


@pytest.mark.parametrize(
    "kind, defaults", [("AutoencoderKL", config.KL_DEFAULTS), ("AutoencoderTiny", config.TINY_DEFAULTS)]
)
def test_what_a_configuration_leaves_out_is_as_in_diffusers(kind, defaults):
    taken = inspect.signature(getattr(conftest, kind).__init__).parameters
    assert defaults == {name: taken[name].default for name in defaults}
    known = {*defaults, *config.READ_HERE, *config.WITHOUT_EFFECT, "self"}
    assert not taken.keys() - known, "diffusers has new settings"


# Tiles


@torch.no_grad()
def test_a_part_of_a_picture_is_restored_otherwise_by_kl_and_alike_by_tiny():
    y = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(4))
    tile, inner = (..., slice(0, 96), slice(0, 96)), (..., slice(0, 16), slice(0, 16))
    apart = {}
    for name, family in (("sd-vae", "kl"), ("taesd", "tiny")):
        model = vaezoo.create(name, seed=0, **SMALL[family]).eval()
        apart[family] = (model.restore(y).image[inner] - model.restore(y[tile]).image[inner]).abs().max()
    assert apart["tiny"] < 1e-6 < 1e-4 < apart["kl"]


# Declarations


@pytest.mark.parametrize("name, size", [("sd-vae", 334643276), ("sdxl-vae", 334643268), ("taesd", 9793292)])
def test_the_tensors_fill_the_published_file(name, size):
    """All but the header of the file that the README names, counted without memory for them."""
    tree = vaezoo.explain(name)
    parts = (KLEncoder, KLDecoder) if name.endswith("vae") else (TinyEncoder, TinyDecoder)
    held = 0
    for slot, part in zip(("encoder", "decoder"), parts, strict=True):
        with torch.device("meta"):
            made = part(**{key: value["value"] for key, value in tree[slot]["params"].items()})
        held += 4 * sum(parameter.numel() for parameter in made.parameters())
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{size:,}".replace(",", " ") in readme
    assert 0 < size - held < 2**16


def test_strides_and_units_of_the_table():
    for name, row in TABLE.items():
        tree = vaezoo.explain(name)
        assert tree["encoder"]["facts"]["grids"][0]["stride"] == 8 and tree["encoder"]["facts"]["image_channels"] == 3
        assert tree["encoder"]["facts"]["grids"][0]["channels"] == row.settings["latent_channels"]
        for key in ("scaling_factor", "shift_factor"):
            assert tree["encoder"]["params"][key]["value"] == tree["decoder"]["params"][key]["value"]


def test_each_model_has_a_small_case():
    cases = {case.model: case for case in plugin.vaezoo_conformance_cases()}
    assert cases.keys() == TABLE.keys()
    for case in cases.values():
        model = vaezoo.create(case.model, **case.params)
        assert isinstance(model, VAE) and isinstance(model.prior, NormalPrior)
        assert sum(p.numel() for p in model.parameters()) < 60_000


def test_declaring_imports_neither_torch_nor_diffusers():
    script = (
        "import sys, vaezoo, vaezoo_diffusers; [vaezoo.explain(name) for name in vaezoo.list_models()];"
        "print([name for name in ('torch', 'diffusers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "[]", done.stdout + done.stderr


def test_without_diffusers_only_its_models_are_lost():
    script = (
        "import sys; sys.modules['diffusers'] = None\n"
        "import vaezoo\n"
        "from vaezoo.errors import BackendUnavailable\n"
        "vaezoo.create('mlp-seed')\n"
        "try: vaezoo.create('taesd')\n"
        "except BackendUnavailable as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "diffusers cannot be imported" in done.stdout and "pip install vaezoo-diffusers" in done.stdout


def test_another_fault_of_torchvision_is_told(monkeypatch):
    def broken(name):
        raise RuntimeError("torchvision was built for another torch")

    monkeypatch.setattr(backend, "import_module", broken)
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    with pytest.raises(BackendUnavailable, match=r"built for another torch\. Run pip install vaezoo-diffusers"):
        backend.import_blocks()
