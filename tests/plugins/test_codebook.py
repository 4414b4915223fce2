"""The contract of the codebook plugin, and its oracles: nearest codes, running sums, rounding, the cost of codes."""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from vaezoo_codebook import facts
from vaezoo_codebook.codebook import Codebook
from vaezoo_codebook.scalar import FSQPrior, ResidualFSQPrior
from vaezoo_codebook.vector import ProductVQPrior, ResidualVQPrior, VQPrior

from vaezoo import create
from vaezoo.core import Batch, Context, DiagonalGaussian, Dirac, Noise, Prior, Pyramid
from vaezoo.errors import ConfigError, IncompatibleParts, TrainingError
from vaezoo.testing import ModelContract, PluginContract


class TestPlugin(PluginContract):
    package = "vaezoo_codebook"


class TestVQ(ModelContract):
    model = "vq-vae"


class TestVQByGradient(ModelContract):
    model = "vq-vae"
    params = {"prior": {"learn": "gradient"}}


class TestResidual(ModelContract):
    model = "residual-vq-vae"


class TestProduct(ModelContract):
    model = "product-vq-vae"


class TestRotatedProduct(ModelContract):
    model = "optimised-product-vq-vae"


class TestResidualFSQ(ModelContract):
    model = "residual-fsq-vae"


class TestFSQ(ModelContract):
    model = "fsq-vae"


class TestBits(ModelContract):
    model = "semantic-hashing-ae"


class TestVectors(ModelContract):
    """A dense encoder's vector is one cell."""

    model = "mlp-vae"
    params = {"encoder": {"name": "mlp", "belief": "dirac"}, "prior": {"name": "product-vq", "groups": 4}}


CONTEXT = Context(3, (8, 12))


def priors() -> list[Prior]:
    torch.manual_seed(0)
    made: list[Prior] = [
        VQPrior(6, 4, 16),
        VQPrior(6, 4, 16, learn="gradient"),
        ResidualVQPrior(6, 4, 3, 16),
        ResidualVQPrior(6, 4, 3, 16, learn="gradient"),
        ProductVQPrior(6, 4, 3, 16),
        ProductVQPrior(6, 4, 3, 16, rotate=True),
        FSQPrior(6, 4, (2, 3, 4, 5, 6, 7)),
        ResidualFSQPrior(6, 4, (2, 3, 2, 2, 2, 2), 3),
    ]
    for prior in made:
        for book in (m for m in prior.modules() if isinstance(m, Codebook)):
            spread(book)
        prior.eval()
    return made


def spread(book: Codebook) -> Codebook:
    """Entries far apart, all in use."""
    with torch.no_grad():
        if book.entries is None:
            book.counts.copy_(1 + torch.rand(book.counts.shape))
            book.sums.copy_(torch.randn(book.sums.shape) * book.counts[:, None])
        else:
            book.entries.copy_(torch.randn(book.entries.shape))
    return book


def grid(batch: int = 3) -> Tensor:
    return torch.randn(batch, 6, 2, 3, generator=torch.Generator().manual_seed(1))


kinds = pytest.mark.parametrize("prior", priors(), ids=lambda p: f"{type(p).__name__}-{len(list(p.parameters()))}")


# What every codebook prior keeps


@kinds
def test_the_rate_is_the_divergence_from_a_uniform_prior_over_codes(prior: Prior) -> None:
    latents = prior.infer(Dirac(grid()), CONTEXT, 2)
    truth = 0.0
    for size in prior.sizes:
        uniform = torch.distributions.Categorical(torch.ones(size, dtype=torch.float64))
        sure = torch.distributions.Categorical(nn.functional.one_hot(torch.tensor(1), size).double())
        truth += 6 * float(torch.distributions.kl_divergence(sure, uniform))
    torch.testing.assert_close(latents.rate[0], torch.full((3,), truth))
    torch.testing.assert_close(latents.log_q - latents.log_p, torch.full((2, 3), truth))


@kinds
def test_codes_say_all_of_the_state(prior: Prior) -> None:
    latents = prior.infer(Dirac(grid()), CONTEXT, 2)
    assert len(latents.codes) == len(prior.sizes)
    assert all(c.shape == (3, 2, 3) and c.dtype == torch.int64 for c in latents.codes)
    values = prior.look_up(tuple(c.flatten() for c in latents.codes)).view(3, 2, 3, 6).movedim(-1, 1)
    torch.testing.assert_close(latents.state[:3], values)
    assert torch.equal(latents.z[0][0], latents.z[0][1]) and latents.z[0].shape == (2, 3, 6, 2, 3)


@kinds
def test_a_gaussian_counts_by_its_mean_and_a_vector_is_one_cell(prior: Prior) -> None:
    point = prior.infer(Dirac(grid()), CONTEXT)
    centred = prior.infer(DiagonalGaussian(grid(), torch.zeros(3, 6, 2, 3)), CONTEXT)
    assert torch.equal(point.state, centred.state)
    one = prior.infer(Dirac(grid()[:, :, 1, 2]), CONTEXT)
    assert one.state.shape == (3, 6) and one.codes[0].shape == (3, 1, 1)
    torch.testing.assert_close(one.state, point.state[:, :, 1, 2])
    torch.testing.assert_close(one.rate[0] * 6, point.rate[0])


@kinds
def test_samples_are_uniform_and_temperature_zero_is_one_code(prior: Prior) -> None:
    context = Context(400, (8, 12))
    drawn = prior.sample(context, 2, Noise(seed=0))
    assert drawn.state.shape == (800, 6, 2, 3)
    for codes, size in zip(drawn.codes, prior.sizes, strict=True):
        assert codes.shape == (800, 2, 3) and codes.min() == 0 and codes.max() == size - 1
        expected = codes.numel() / min(size, 16)
        counts = (codes * min(size, 16) // size).flatten().bincount(minlength=min(size, 16)).double()
        assert (counts - expected).abs().max() < 6 * expected**0.5
    torch.testing.assert_close(drawn.log_p, -prior.infer(Dirac(grid()), CONTEXT).rate[0][0].expand(2, 400))
    warm = prior.sample(context, 2, Noise(seed=0, temperature=0.3))
    assert torch.equal(warm.state, drawn.state)
    still = prior.sample(context, 1, Noise(temperature=0))
    assert all((codes == codes[0, 0, 0]).all() for codes in still.codes)
    flat = copy.deepcopy(prior)
    flat.latent_stride = None
    assert flat.sample(context, 2, Noise(seed=0)).state.shape == (800, 6)


@kinds
def test_nothing_moves_outside_training(prior: Prior) -> None:
    before = {name: tensor.clone() for name, tensor in prior.state_dict().items()}
    prior.infer(Dirac(grid()), CONTEXT)
    prior.sample(CONTEXT)
    assert all(torch.equal(tensor, before[name]) for name, tensor in prior.state_dict().items())


@kinds
def test_a_pyramid_is_refused(prior: Prior) -> None:
    with pytest.raises(IncompatibleParts, match="quantises the centre of a posterior, but the encoder gives a pyramid"):
        prior.infer(Pyramid((grid(),)), CONTEXT)


@pytest.mark.parametrize(
    "prior", [p for p in priors() if not isinstance(p, FSQPrior | ResidualFSQPrior)], ids=lambda p: type(p).__name__
)
def test_the_way_back_is_the_identity(prior: Prior) -> None:
    z = grid().requires_grad_()
    latents = prior.infer(Dirac(z), CONTEXT)
    weight = torch.randn(latents.state.shape)
    (got,) = torch.autograd.grad((latents.state * weight).sum(), z, retain_graph=True)
    torch.testing.assert_close(got, weight)
    (pull,) = torch.autograd.grad(latents.penalties["commitment"].sum(), z)
    levels = len(prior.sizes) if isinstance(prior, ResidualVQPrior) else 1
    if levels == 1:
        torch.testing.assert_close(pull, 2 * 0.25 * (z - latents.state).detach())
    assert pull.any()


def test_an_nll_is_the_bound_and_refuses_training() -> None:
    model = create("vq-vae", seed=0).eval()
    x = (torch.rand(2, 1, 28, 28) > 0.5).float()
    bound = model(Batch(x))
    torch.testing.assert_close(model.nll(Batch(x), 5), -bound.elbo)
    torch.testing.assert_close(bound.rate, torch.full((2,), 49 * math.log(256)))
    with pytest.raises(TrainingError, match="evaluation mode"):
        model.train().nll(Batch(x))


# Learnt codebooks


@pytest.mark.parametrize("learn", ["ema", "gradient"])
def test_the_nearest_entry_is_chosen(learn: str) -> None:
    torch.manual_seed(0)
    book, vectors = spread(Codebook(40, 5, learn)).eval(), torch.randn(300, 5)
    with torch.no_grad():
        found = book(vectors)
        apart = ((vectors[:, None] - book.table()[None]).double() ** 2).sum(2)
    assert torch.equal(found.codes[0], apart.argmin(1))
    torch.testing.assert_close(found.values, book.table().detach()[apart.argmin(1)])
    torch.testing.assert_close(found.penalties["commitment"].double(), 0.25 * apart.min(1).values)


@pytest.mark.parametrize("anchored", [False, True])
def test_running_sums_are_the_closed_form(anchored: bool) -> None:
    torch.manual_seed(0)
    book = spread(Codebook(4, 3, decay=0.9, revive=0.0, anchored=anchored)).train()
    counts, sums, table = book.counts.clone(), book.sums.clone(), book.table()
    vectors = torch.randn(50, 3)
    codes = book(vectors).codes[0]
    for entry in range(anchored, 4):
        mine, row = vectors[codes == entry], entry - anchored
        counts[row] = 0.9 * counts[row] + 0.1 * len(mine)
        sums[row] = 0.9 * sums[row] + 0.1 * mine.sum(0)
        torch.testing.assert_close(book.table()[entry], sums[row] / counts[row])
        assert not torch.equal(book.table()[entry], table[entry])
    torch.testing.assert_close(book.counts, counts)
    if anchored:
        assert not book.table()[0].any() and len(book.table()) == 4


def test_means_of_two_processes_are_those_of_one() -> None:
    torch.manual_seed(0)
    whole = spread(Codebook(4, 3, revive=0.0)).train()
    halves, vectors = [copy.deepcopy(whole), copy.deepcopy(whole)], torch.randn(40, 3)
    for book, part in zip(halves, vectors.chunk(2), strict=True):
        book(part)
    for buffer, *others in zip(whole.buffers(), *(half.buffers() for half in halves), strict=True):
        buffer.copy_(torch.stack(others).mean(0))  # as the trainer does after each step
    alone = copy.deepcopy(halves[0])
    alone.counts.copy_(sum(half.counts for half in halves))
    alone.sums.copy_(sum(half.sums for half in halves))
    torch.testing.assert_close(whole.table(), alone.table())


def test_dead_entries_are_revived_on_the_data_in_training_alone() -> None:
    torch.manual_seed(0)
    book = spread(Codebook(8, 2, revive=0.05))
    with torch.no_grad():
        book.sums[5] = 1e4 * book.counts[5]  # nothing is near it
    vectors = torch.randn(64, 2)
    book.eval()
    book(vectors)
    assert book.table()[5].max() > 9e3
    book.train()
    for _ in range(600):
        book(vectors)
    distance = (book.table()[5] - vectors).abs().sum(1).min()
    assert distance < 4 and torch.equal(book(vectors).codes[0].unique(), torch.arange(8))


def test_a_codebook_starts_on_the_first_batch() -> None:
    torch.manual_seed(0)
    book, vectors = Codebook(16, 2).train(), 5 + torch.randn(64, 2)
    book(vectors)
    assert book.table().min() > 0 and len(book.eval()(vectors).codes[0].unique()) > 8


def test_a_step_that_is_not_finite_leaves_nothing_behind() -> None:
    book = spread(Codebook(4, 2)).train()
    before = book.table()
    book(torch.tensor([[float("nan"), 0.0], [1.0, 1.0]]))
    assert torch.equal(book.table(), before)


def test_a_codebook_learns_by_gradient_towards_its_vectors() -> None:
    torch.manual_seed(0)
    book, vectors = spread(Codebook(4, 3, "gradient")).train(), torch.randn(50, 3)
    found = book(vectors)
    (got,) = torch.autograd.grad(found.penalties["codebook"].sum(), book.entries)
    for entry in range(4):
        mine = vectors[found.codes[0] == entry]
        torch.testing.assert_close(got[entry], 2 * (book.entries[entry].detach() - mine).sum(0))
    assert found.penalties["commitment"].requires_grad is False  # it pulls the vectors only


@torch.no_grad()
@pytest.mark.parametrize("learn", ["ema", "gradient"])
def test_depth_never_makes_the_error_larger(learn: str) -> None:
    torch.manual_seed(0)
    prior, vectors = ResidualVQPrior(4, None, 5, 8, learn).eval(), torch.randn(200, 4)
    for book in prior.codebooks:
        spread(book)
    codes = prior.quantise(vectors).codes
    errors = []
    for depth in range(1, 6):
        pairs = zip(prior.codebooks[:depth], codes[:depth], strict=True)
        errors.append(((vectors - sum(book.table()[each] for book, each in pairs)) ** 2).sum(1))
    for shallow, deep in pairwise(errors):
        assert (deep <= shallow + 1e-5).all()
    assert errors[-1].mean() < 0.7 * errors[0].mean()


@torch.no_grad()
def test_groups_are_codebooks_of_their_own() -> None:
    torch.manual_seed(0)
    prior, vectors = ProductVQPrior(6, None, 3, 8).eval(), torch.randn(20, 6)
    for book in prior.codebooks:
        spread(book)
    found = prior.quantise(vectors)
    for group, book in enumerate(prior.codebooks):
        share = slice(2 * group, 2 * group + 2)
        alone = book(vectors[:, share])
        assert torch.equal(found.codes[group], alone.codes[0])
        torch.testing.assert_close(found.values[:, share], alone.values)


# Rounding


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (2, 3), (7,), (4, 4, 4)])
def test_levels_are_exact_and_codes_and_values_are_inverse(levels: tuple[int, ...]) -> None:
    prior = FSQPrior(len(levels), None, levels)
    codes = torch.arange(math.prod(levels))
    values = prior.look_up((codes,))
    assert len(values.unique(dim=0)) == math.prod(levels)
    for channel, count in enumerate(levels):
        half = count // 2
        exact = torch.arange(-half, count - half) / half
        assert torch.equal(values[:, channel].unique(), exact)
    half, offset = (torch.tensor(levels) - 1) * 1.001 / 2, (torch.tensor(levels) % 2 == 0) * 0.5
    before = torch.atanh((values * (torch.tensor(levels) // 2) + offset) / half) - torch.atanh(offset / half)
    found = prior.quantise(before)
    assert torch.equal(found.codes[0], codes)
    torch.testing.assert_close(found.values, values)
    assert torch.equal(prior.look_up(prior.quantise(torch.zeros(1, len(levels))).codes), torch.zeros(1, len(levels)))
    assert prior.centre() == (int(prior.quantise(torch.zeros(1, len(levels))).codes[0]),)


def test_every_level_is_reached_and_rounding_passes_the_gradient_of_the_bound() -> None:
    prior = FSQPrior(2, None, (8, 5))
    z = torch.linspace(-8, 8, 200)[:, None].expand(-1, 2).clone().requires_grad_()
    found = prior.quantise(z)
    assert len(found.values[:, 0].unique()) == 8 and len(found.values[:, 1].unique()) == 5
    (got,) = torch.autograd.grad(found.values[:, 1].sum(), z)
    torch.testing.assert_close(got[:, 1], (4 * 1.001 / 2 * (1 - torch.tanh(z[:, 1]) ** 2) / 2).detach())


# What is refused


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("vq", {"entries": 1}, "at least 2 entries, got 1"),
        ("vq", {"learn": "grad"}, "learn to be 'ema' or 'gradient', got 'grad'"),
        ("vq", {"commitment": -1.0}, "got -1.0, 0.99 and 0.05"),
        ("vq", {"decay": 1.0}, "got 0.25, 1.0 and 0.05"),
        ("residual-vq", {"revive": 1.0}, "got 0.25, 0.99 and 1.0"),
        ("residual-vq", {"depth": 0}, "depth of at least 1, got 0"),
        ("product-vq", {"groups": 3}, "groups to divide the 16 latent channels, got 3"),
        ("fsq", {"levels": [5, 5]}, r"levels as 16 numbers of at least 2, one for each latent channel, got \[5, 5\]"),
        ("residual-fsq", {"levels": [5, 5]}, "levels as 16 numbers of at least 2"),
        ("residual-fsq", {"levels": [5] * 16, "depth": 0}, "depth of at least 1, got 0"),
        ("fsq", {"levels": [5] * 15 + [1]}, r"got \[5, .*, 1\]"),
    ],
)
def test_a_codebook_that_cannot_work_is_refused(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create("mlp-vae", prior={"name": name, **settings})
    built = {"vq": VQPrior, "residual-vq": ResidualVQPrior, "product-vq": ProductVQPrior, "fsq": FSQPrior}
    built |= {"residual-fsq": ResidualFSQPrior}
    with pytest.raises(ConfigError, match=message):
        built[name](16, **settings)


def test_the_facts_know_what_a_point_costs() -> None:
    assert facts.VQPriorConfig(4).facts().rates_points and facts.FSQPriorConfig(4).facts().takes == {
        "gaussian",
        "dirac",
    }
    with pytest.raises(IncompatibleParts, match="The loss 'elbo' needs a rate, but the encoder 'mlp' is deterministic"):
        create("mlp-vae", encoder={"name": "mlp", "belief": "dirac"})
    for name in ("mlp", "conv"):
        with pytest.raises(ConfigError, match=r"Expected belief to be one of .*got 'point'"):
            create("mlp-vae", encoder={"name": name, "belief": "point"})
