"""Codebooks at two scales: nearest codes at both, what the finer one knows, and what moves when they learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from vaezoo_codebook import facts
from vaezoo_codebook.codebook import Codebook
from vaezoo_codebook.scales import CodebookLevel, ScaledCodebookPrior, codebooks_prior

from vaezoo import create, create_objective
from vaezoo.core import Batch, Context, Dirac, Noise, Pyramid
from vaezoo.core.facts import Grid
from vaezoo.errors import ConfigError, IncompatibleParts
from vaezoo.testing import ModelContract


class TestTwoScales(ModelContract):
    model = "vq-vae-2"


class TestTwoScalesByGradient(ModelContract):
    model = "vq-vae-2"
    params = {"prior": {"learn": "gradient"}, "image_channels": 3, "image_size": [32, 32]}


CONTEXT = Context(3, (16, 24))
CELLS = ((2, 3), (4, 6))


def made(learn: str = "ema", **settings: object) -> ScaledCodebookPrior:
    """Two codebooks, D = 5, at strides 8 and 4, their entries far apart."""
    torch.manual_seed(0)
    prior = codebooks_prior((6, 7, 8), code_channels=5, entries=12, learn=learn, **settings)  # type: ignore[arg-type]
    with torch.no_grad():
        for book in books(prior):
            if book.entries is None:
                book.counts.fill_(1.0)
                book.sums.copy_(0.3 * torch.randn(book.sums.shape))
            else:
                book.entries.copy_(0.3 * torch.randn(book.entries.shape))
    return prior.eval()


def books(prior: ScaledCodebookPrior) -> list[Codebook]:
    return [module for module in prior.modules() if isinstance(module, Codebook)]


def levels(prior: ScaledCodebookPrior) -> tuple[CodebookLevel, CodebookLevel]:
    top, bottom = prior.levels
    return top, bottom  # type: ignore[return-value]


def evidence() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return 4 * torch.randn(3, 8, *CELLS[0], generator=generator), 4 * torch.randn(3, 7, *CELLS[1], generator=generator)


def nearest(vectors: Tensor, table: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Codes, entries and squared distances of (B, D, h, w), by looking at every entry."""
    apart = ((vectors.double()[:, None] - table.double()[None, :, :, None, None]) ** 2).sum(2)
    codes = apart.argmin(1)
    return codes, table[codes].movedim(-1, 1), apart.min(1).values


# Inference


@torch.no_grad()
def test_both_scales_choose_the_nearest_entry() -> None:
    prior, (coarse, fine) = made(), evidence()
    (top, bottom), (top_book, bottom_book) = levels(prior), books(prior)
    found = prior.infer(Pyramid((coarse, fine)), CONTEXT, 2)

    codes_top, values_top, apart_top = nearest(top.vectors((), coarse), top_book.table())
    known = bottom.enter(top.leave((), values_top))
    codes_bottom, values_bottom, apart_bottom = nearest(bottom.vectors(known, fine), bottom_book.table())

    assert torch.equal(found.codes[0], codes_top) and torch.equal(found.codes[1], codes_bottom)
    assert len(codes_top.unique()) > 2 and len(codes_bottom.unique()) > 2
    for z, values in zip(found.z, (values_top, values_bottom), strict=True):
        torch.testing.assert_close(z, values.expand(2, *values.shape))
    torch.testing.assert_close(found.state, bottom.leave(known, values_bottom).repeat(2, 1, 1, 1))
    for index, apart in enumerate((apart_top, apart_bottom)):
        pull = found.penalties[f"commitment_{index}"].double()
        torch.testing.assert_close(pull, 0.25 * apart.flatten(1).sum(1), rtol=1e-4, atol=1e-5)
    assert len(found.penalties) == 2


@torch.no_grad()
def test_the_finer_scale_knows_the_coarser_codes_and_nothing_else_of_it() -> None:
    prior, (coarse, fine) = made(), evidence()
    found = prior.infer(Pyramid((coarse, fine)), CONTEXT)
    nudged = prior.infer(Pyramid((coarse + 1e-4, fine)), CONTEXT)
    assert torch.equal(nudged.codes[0], found.codes[0])
    torch.testing.assert_close(nudged.state, found.state, rtol=0, atol=1e-6)
    torch.testing.assert_close(nudged.penalties["commitment_1"], found.penalties["commitment_1"], rtol=1e-6, atol=0)
    assert not torch.allclose(nudged.penalties["commitment_0"], found.penalties["commitment_0"], rtol=1e-6, atol=0)
    other = prior.infer(Pyramid((-coarse, fine)), CONTEXT)
    changed = (other.codes[0] != found.codes[0]).flatten(1).any(1)
    assert changed.all()
    assert (other.penalties["commitment_1"] != found.penalties["commitment_1"]).all()
    below = prior.infer(Pyramid((coarse, -fine)), CONTEXT)
    assert torch.equal(below.codes[0], found.codes[0]) and not torch.equal(below.codes[1], found.codes[1])


def test_the_rate_is_that_of_uniform_codes_at_both_scales() -> None:
    found = made().infer(Pyramid(evidence()), CONTEXT, 2)
    for rate, cells in zip(found.rate, CELLS, strict=True):
        torch.testing.assert_close(rate, torch.full((3,), math.prod(cells) * math.log(12)))
    whole = (6 + 24) * math.log(12)
    assert found.log_p is not None and found.log_q is not None
    torch.testing.assert_close(found.log_q - found.log_p, torch.full((2, 3), whole))


@torch.no_grad()
def test_codes_say_all_of_the_state() -> None:
    prior = made()
    found = prior.infer(Pyramid(evidence()), CONTEXT)
    assert [tuple(codes.shape) for codes in found.codes] == [(3, *cells) for cells in CELLS]
    torch.testing.assert_close(prior.look_up(found.codes), found.state)
    moved = (found.codes[0], (found.codes[1] + 1) % 12)
    assert not torch.allclose(prior.look_up(moved), found.state)


def test_the_models_picture_reads_both_scales() -> None:
    model = create("vq-vae-2", seed=0).eval()
    found = model(Batch(torch.rand(1, 1, 28, 28))).latents
    assert [tuple(codes.shape) for codes in found.codes] == [(1, 4, 4), (1, 8, 8)]
    with torch.no_grad():
        for book in books(model.prior):  # type: ignore[arg-type]
            book.sums.copy_(torch.randn(book.sums.shape) * book.counts[:, None])
        state = model.prior.look_up(found.codes)  # type: ignore[operator]
        for level in range(2):
            codes = list(found.codes)
            codes[level] = (codes[level] + 1) % 256
            moved = model.prior.look_up(codes)  # type: ignore[operator]
            assert not torch.allclose(model.decode(moved).image, model.decode(state).image, atol=1e-4)


# Samples


@torch.no_grad()
def test_scales_draw_apart_and_uniformly() -> None:
    prior = codebooks_prior((6,), (2,), code_channels=5, entries=12)
    drawn = prior.sample(Context(400, (4, 6)), 2, Noise(seed=0))
    assert not torch.equal(*drawn.codes)
    both = (drawn.codes[0] * 12 + drawn.codes[1]).flatten().bincount(minlength=144).double()
    expected = 800 * 6 / 144
    assert (both - expected).abs().max() < 5 * expected**0.5  # every pair of codes as often as any other
    assert drawn.log_p is not None
    torch.testing.assert_close(drawn.log_p, torch.full((2, 400), -12 * math.log(12)))
    torch.testing.assert_close(prior.look_up(drawn.codes), drawn.state)
    still = prior.sample(Context(2, (4, 6)), 1, Noise(temperature=0))
    assert all((codes == codes[0, 0, 0]).all() for codes in still.codes)


@torch.no_grad()
def test_samples_have_the_grids_of_inference() -> None:
    drawn = made().sample(CONTEXT, 2, Noise(seed=0))
    assert [tuple(z.shape) for z in drawn.z] == [(2, 3, 5, *cells) for cells in CELLS]
    assert drawn.state.shape == (6, 7, *CELLS[1])


# Learning


def test_the_way_back_passes_both_quantisers_as_if_they_were_not_there() -> None:
    prior, (coarse, fine) = made(), evidence()
    coarse.requires_grad_()
    fine.requires_grad_()
    top, bottom = levels(prior)
    found = prior.infer(Pyramid((coarse, fine)), CONTEXT)
    weight = torch.randn(found.state.shape, generator=torch.Generator().manual_seed(2))
    got = torch.autograd.grad((found.state * weight).sum(), (coarse, fine))

    h_top = top.vectors((), coarse)
    e_top = h_top + (found.z[0][0] - h_top).detach()
    known = bottom.enter(top.leave((), e_top))
    h_bottom = bottom.vectors(known, fine)
    e_bottom = h_bottom + (found.z[1][0] - h_bottom).detach()
    truth = torch.autograd.grad((bottom.leave(known, e_bottom) * weight).sum(), (coarse, fine))
    for mine, theirs in zip(got, truth, strict=True):
        assert mine.any()
        torch.testing.assert_close(mine, theirs)


def test_the_loss_reaches_the_encoder_of_both_scales() -> None:
    objective = create_objective("vq-vae-2", seed=0)
    terms = objective(Batch(torch.rand(2, 1, 28, 28)), 0)
    terms.loss.backward()
    encoder = objective.model.encoder
    assert encoder is not None
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_both_codebooks_are_running_means_of_what_used_them() -> None:
    prior, (coarse, fine) = made(decay=0.9, revive=0.0).train(), evidence()
    before = [(book.counts.clone(), book.sums.clone()) for book in books(prior)]
    with torch.no_grad():
        top, bottom = levels(prior)
        h_top = top.vectors((), coarse)
        values = nearest(h_top, books(prior)[0].table())[1]
        vectors = (h_top, bottom.vectors(bottom.enter(top.leave((), values)), fine))
    found = prior.infer(Pyramid((coarse, fine)), CONTEXT)
    for book, (counts, sums), codes, h in zip(books(prior), before, found.codes, vectors, strict=True):
        flat, rows = codes.flatten(), h.movedim(1, -1).flatten(0, 2)
        used = torch.nn.functional.one_hot(flat, 12).float()
        torch.testing.assert_close(book.counts, 0.9 * counts + 0.1 * used.sum(0))
        torch.testing.assert_close(book.sums, 0.9 * sums + 0.1 * used.T @ rows)


@torch.no_grad()
@pytest.mark.parametrize(("revive", "alive"), [(0.05, True), (0.0, False)])
def test_dead_entries_of_both_scales_come_back_to_life(revive: float, alive: bool) -> None:
    prior = made(decay=0.9, revive=revive).train()
    for book in books(prior):
        book.sums[5] = 1e4  # nothing is near it
    for _ in range(50):
        prior.infer(Pyramid(evidence()), CONTEXT)
    assert [bool(book.table()[5].abs().max() < 1e3) for book in books(prior)] == [alive, alive]


def test_codebooks_that_learn_by_gradient_have_a_penalty_each() -> None:
    prior, (coarse, fine) = made("gradient").train(), evidence()
    found = prior.infer(Pyramid((coarse, fine)), CONTEXT)
    assert sorted(found.penalties) == ["codebook_0", "codebook_1", "commitment_0", "commitment_1"]
    for index, book in enumerate(books(prior)):
        torch.testing.assert_close(4 * found.penalties[f"commitment_{index}"], found.penalties[f"codebook_{index}"])
        assert book.entries is not None
        (pull,) = torch.autograd.grad(found.penalties[f"codebook_{index}"].sum(), book.entries, retain_graph=True)
        used = torch.zeros(12, dtype=torch.bool).index_fill(0, found.codes[index].flatten(), True)
        assert torch.equal(pull.any(1), used)


# What is refused


def test_facts_name_a_grid_for_each_codebook() -> None:
    said = facts.codebooks((8, 16, 32), (1, 0, 2))
    assert said.evidence == (Grid(32, 8), Grid(32, 8), Grid(8, 2)) and said.state == Grid(8, 2)
    assert said.takes == {"pyramid"} and said.rates_points
    found = codebooks_prior((8, 16, 32), (1, 0, 2)).sample(Context(1, (16, 16)))
    assert [codes.shape[-1] for codes in found.codes] == [2, 2, 8] and found.state.shape == (1, 8, 8, 8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"depths": [1, 1]},
            r"depths as 3 numbers of at least 0, one for each width, the last at least 1, got \[1, 1\]",
        ),
        ({"depths": [0, -1, 1]}, r"got \[0, -1, 1\]"),
        ({"depths": [0, 1, 0]}, r"got \[0, 1, 0\]"),
        ({"widths": [0, 4, 4]}, "widths as 1 or more numbers of at least 1"),
        ({"code_channels": 0}, "code_channels as 1 or more numbers of at least 1"),
        ({"entries": 1}, "at least 2 entries, got 1"),
    ],
)
def test_scales_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create("vq-vae-2", prior=settings)
    with pytest.raises(ConfigError, match=message):
        codebooks_prior(**settings)  # type: ignore[arg-type]


def test_evidence_of_other_scales_is_refused() -> None:
    prior, (coarse, fine) = made(), evidence()
    with pytest.raises(IncompatibleParts, match="takes a pyramid of 2 features, but the encoder gives 1 features"):
        prior.infer(Pyramid((coarse,)), CONTEXT)
    with pytest.raises(IncompatibleParts, match="takes a pyramid of 2 features, but the encoder gives Dirac"):
        prior.infer(Dirac(fine), CONTEXT)
    with pytest.raises(IncompatibleParts, match="ScaledCodebookPrior has no levels"):
        ScaledCodebookPrior([]).sample(CONTEXT)
    with pytest.raises(
        IncompatibleParts, match="'conv' gives a gaussian belief, but the prior 'codebooks' takes a pyr"
    ):
        create("vq-vae-2", encoder={"name": "conv", "widths": [32, 48], "latent_channels": 4})
