"""A ladder's posterior is its prior, corrected: which is its prior where nothing is corrected, in files of today."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from vaezoo_ladder.correction import corrected

from vaezoo import create
from vaezoo.core import VAE, Batch, DiagonalGaussian, Noise, Revision, bound_logvar

SMALL = {"widths": [8, 12], "latents": [2, 2], "evidence": [4, 4], "blocks": 1}
TOP = {"widths": [8, 8], "depths": [1, 2], "image_channels": 1}


def rates(model: VAE) -> float:
    generator = torch.Generator().manual_seed(0)
    size = (1, 28, 28) if model.conditioner is None else (3, 64, 64)
    y = torch.rand(2, *size, generator=generator)
    with torch.no_grad():
        return float(torch.stack(model(Batch(y, y), noise=Noise(seed=0)).latents.rate).sum(0).mean())


def uncorrected(model: VAE) -> VAE:
    """A model whose priors are wide and narrow and whose corrections are zero."""
    generator = torch.Generator().manual_seed(1)
    for name, parameter in model.prior.named_parameters():
        if ".believe." in name:
            nn.init.normal_(parameter, std=1.5, generator=generator)
        if ".correct." in name:
            nn.init.zeros_(parameter)
    return model


@pytest.mark.parametrize(("name", "params"), [("denoise", SMALL), ("sr", SMALL), ("ladder-vae", TOP)])
def test_a_posterior_without_correction_is_the_prior(name: str, params: dict[str, object]) -> None:
    assert rates(uncorrected(create(name, seed=0, **params))) < 1e-4


def test_a_fresh_ladder_costs_no_rate() -> None:
    assert rates(create("denoise", seed=0)) < 1e-5


def test_the_correction_is_one_of_the_priors_raw_logvar() -> None:
    raw, mean, change = torch.randn(3, 2, 3, 4, 4).mul(torch.tensor([4.0, 1, 2]).view(3, 1, 1, 1, 1))
    prior = DiagonalGaussian(mean, bound_logvar(raw))
    q = corrected(prior, 0.5 * mean, change, Revision(2))
    torch.testing.assert_close(q.logvar, bound_logvar(raw + change), rtol=0, atol=1e-4)
    torch.testing.assert_close(q.mean, 1.5 * mean)
    old = corrected(prior, 0.5 * mean, change, Revision(1))
    assert torch.equal(old.logvar, bound_logvar(prior.logvar + change))


def test_gradients_are_finite_where_the_priors_logvar_is_at_its_bound() -> None:
    raw = torch.tensor([-400.0, -30.0, 0.0, 30.0, 400.0], requires_grad=True)
    change = torch.zeros(5, requires_grad=True)
    prior = DiagonalGaussian(torch.zeros(5), bound_logvar(raw))
    q = corrected(prior, torch.zeros(5), change, Revision(2)).logvar
    torch.testing.assert_close(q, prior.logvar, rtol=0, atol=2e-3)
    q.sum().backward()
    assert raw.grad is not None and raw.grad.isfinite().all() and change.grad is not None
    assert change.grad.isfinite().all() and (change.grad > 0).all()


def test_a_half_precision_model_stays_in_half_precision() -> None:
    half = torch.zeros(3, dtype=torch.bfloat16)
    assert corrected(DiagonalGaussian(half, half), half, half, Revision(2)).logvar.dtype == torch.bfloat16


def without_revision(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in tensors.items() if not name.endswith("revision.number")}


def test_a_file_of_before_keeps_its_arithmetic_and_says_so_when_it_is_saved_again(tmp_path: Path) -> None:
    new = uncorrected(create("denoise", seed=0, **SMALL))
    save_file(without_revision(new.state_dict()), tmp_path / "old.safetensors")
    old = create("denoise", pretrained=tmp_path / "old.safetensors", **SMALL)
    assert rates(old) > 1 > rates(new)
    save_file(old.state_dict(), tmp_path / "again.safetensors")
    numbers = [int(v) for n, v in load_file(tmp_path / "again.safetensors").items() if n.endswith("revision.number")]
    assert numbers == [1, 1]
    assert rates(create("denoise", pretrained=tmp_path / "again.safetensors", **SMALL)) == pytest.approx(rates(old))
    save_file(new.state_dict(), tmp_path / "new.safetensors")
    assert rates(create("denoise", pretrained=tmp_path / "new.safetensors", **SMALL)) < 1e-4


def test_a_checkpoint_of_before_keeps_its_arithmetic() -> None:
    new, old = (uncorrected(create("denoise", seed=0, **SMALL)) for _ in range(2))
    old.load_state_dict(without_revision(new.state_dict()), strict=True)
    assert rates(old) > 1 > rates(new)


def test_shipped_ladders_are_of_revision_1() -> None:
    for name in ("denoise", "ladder-vae"):
        tensors = create(name, pretrained=True).state_dict()
        assert {int(value) for key, value in tensors.items() if key.endswith("revision.number")} == {1}
