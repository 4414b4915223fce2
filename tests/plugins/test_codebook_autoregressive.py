"""A prior over codes in turn: what comes later is not seen, probabilities sum to one, a known law is found again."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from torch import Tensor
from vaezoo_codebook import facts
from vaezoo_codebook.autoregressive import AutoregressivePrior
from vaezoo_codebook.vector import VQPrior

from vaezoo import create, fit_prior, load, save
from vaezoo.cli.fit import fit_prior as command
from vaezoo.core import Batch, Context, Dirac, Noise, Pyramid
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.testing import ModelContract


class TestInTurn(ModelContract):
    model = "vq-vae"
    params = {"prior": {"name": "autoregressive", "width": 16, "layers": 2}}


class TestSeveralACell(ModelContract):
    model = "residual-vq-vae"
    params = {"prior": {"name": "autoregressive", "around": "residual-vq(depth=3, entries=16)", "width": 8}}


class TestBitsOfAVector(ModelContract):
    model = "semantic-hashing-ae"
    params = {"prior": {"name": "autoregressive", "around": "product-vq(groups=8, entries=2)", "width": 8}}


AROUND = {
    "vq": "vq(entries=3)",
    "product": "product-vq(groups=2, entries=2)",
    "residual": "residual-vq(depth=2, entries=2)",
    "fsq": "fsq(levels=(3, 2))",
}
CONTEXT = Context(1, (8, 8))  # 2×2 cells


def prior_of(
    around: str = "vq(entries=3)", stride: int | None = 4, seed: int = 0, **params: int
) -> AutoregressivePrior:
    """A small one whose network is not at its start, where it hardly listens."""
    torch.manual_seed(seed)
    made = AutoregressivePrior(2, stride, around, **{"width": 8, "layers": 3, **params}).eval()
    with torch.no_grad():
        for parameter in made.network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape))
    return made


def all_logits(prior: AutoregressivePrior, codes: Tensor) -> list[Tensor]:
    """Logits in the order of the codes: cell by cell, and in a cell codebook by codebook."""
    told = prior.network.trunk(codes)
    books = [prior.network.logits(told, codes, book) for book in range(codes.shape[1])]
    cells = itertools.product(range(codes.shape[2]), range(codes.shape[3]))
    return [each[0, :, row, column] for row, column in cells for each in books]


@torch.no_grad()
@pytest.mark.parametrize("around", AROUND.values(), ids=list(AROUND))
@pytest.mark.parametrize("reach", [1, 2])
def test_no_code_is_told_a_later_one_and_each_may_be_told_every_earlier_one(around: str, reach: int) -> None:
    prior = prior_of(around, reach=reach, layers=4)
    books, rows, columns = len(prior.book.sizes), 3, 4
    codes = torch.zeros(1, books, rows, columns, dtype=torch.int64)
    before = all_logits(prior, codes)
    for place in range(books * rows * columns):
        cell, book = divmod(place, books)
        other = codes.clone()
        other[0, book, cell // columns, cell % columns] = 1
        after = all_logits(prior, other)
        assert all(torch.equal(a, b) for a, b in zip(before[: place + 1], after[: place + 1], strict=True))
        for later in range(place + 1, len(before)):  # no blind spot: 4 layers reach across the whole grid
            assert not torch.equal(before[later], after[later]), (place, later)


@torch.no_grad()
@pytest.mark.parametrize("around", AROUND.values(), ids=list(AROUND))
def test_probabilities_of_all_grids_sum_to_one(around: str) -> None:
    prior = prior_of(around)
    sizes = [size for size in prior.book.sizes for _ in range(4)]
    every = torch.tensor(list(itertools.product(*map(range, sizes)))).view(-1, len(prior.book.sizes), 2, 2)
    log_p = prior.log_prob(every).double()
    torch.testing.assert_close(log_p.logsumexp(0), torch.zeros((), dtype=torch.float64), atol=1e-5, rtol=0)
    assert float(log_p.std()) > 0.3, "it is all but uniform, so the sum proves little"
    one = prior_of("product-vq(groups=2, entries=3)", stride=None)
    pairs = torch.tensor(list(itertools.product(range(3), range(3)))).view(-1, 2, 1, 1)
    torch.testing.assert_close(one.log_prob(pairs).logsumexp(0), torch.zeros(()), atol=1e-5, rtol=0)


@torch.no_grad()
def test_samples_come_with_the_probability_that_log_prob_states() -> None:
    prior = prior_of("product-vq(groups=2, entries=2)", stride=4)
    every = torch.tensor(list(itertools.product(range(2), repeat=8))).view(-1, 2, 2, 2)
    drawn = prior.sample(Context(20_000, (8, 8)), 1, Noise(seed=0))
    codes = torch.stack(drawn.codes, 1).flatten(1)
    places = (codes * 2 ** torch.arange(7, -1, -1)).sum(1)
    seen = places.bincount(minlength=256) / 20_000
    p = prior.log_prob(every).exp()
    assert ((seen - p).abs() < 5 * (p / 20_000).sqrt() + 1e-4).all()
    torch.testing.assert_close(drawn.log_p[0], prior.log_prob(drawn.codes))
    assert drawn.state.shape == (20_000, 2, 2, 2) and drawn.z[0].shape == (1, 20_000, 2, 2, 2)


@torch.no_grad()
def test_temperature_divides_the_logits() -> None:
    prior, context = prior_of("vq(entries=3)", stride=None), Context(20_000, (8, 8))
    logits = prior.network.logits(prior.network.trunk(torch.zeros(1, 1, 1, 1).long()), torch.zeros(1, 0, 1, 1), 0)[0]
    for temperature in (0.5, 2.0):
        codes = prior.sample(context, 1, Noise(seed=0, temperature=temperature)).codes[0]
        seen = codes.flatten().bincount(minlength=3) / 20_000
        torch.testing.assert_close(seen, torch.softmax(logits.flatten() / temperature, 0), atol=0.02, rtol=0)
    still = prior.sample(context, 1, Noise(temperature=0)).codes[0]
    assert (still == logits.argmax()).all()


@torch.no_grad()
def test_samples_are_taken_up_where_they_were_left() -> None:
    prior, context = prior_of("residual-vq(depth=2, entries=8)"), Context(3, (8, 8))
    together = prior.sample(context, 4, Noise(seed=3)).z[0]
    apart = torch.cat([prior.sample(context, 2, Noise(seed=3).at(start)).z[0] for start in (0, 2)])
    assert torch.equal(together, apart)
    assert not torch.equal(together, prior.sample(context, 4, Noise(seed=4)).z[0])


def chain(rows: int, seed: int) -> Tensor:
    """Grids of 2×3 codes of 3: most cells repeat the one to their left, or at the left edge the one above."""
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(3, (rows, 1, 2, 3), generator=generator)
    stays = torch.rand(rows, 2, 3, generator=generator) < 0.85
    for row, column in itertools.product(range(2), range(3)):
        known = codes[:, 0, row, column - 1] if column else codes[:, 0, row - 1, 0]
        if row or column:
            codes[:, 0, row, column] = torch.where(stays[:, row, column], known, codes[:, 0, row, column])
    return codes


def pairs(codes: Tensor) -> tuple[Tensor, Tensor]:
    """How often each pair of codes stands side by side, and one above the other at the left edge."""
    beside = (3 * codes[:, 0, :, :-1] + codes[:, 0, :, 1:]).flatten()
    below = 3 * codes[:, 0, 0, 0] + codes[:, 0, 1, 0]
    return beside.bincount(minlength=9) / len(beside), below.bincount(minlength=9) / len(below)


def test_a_known_law_is_found() -> None:
    codes, unseen = chain(4000, 1), chain(4000, 2)
    prior = prior_of(layers=2)
    history = prior.fit(codes, Context(4000, (8, 12)), steps=400)
    assert len(history) == 400 and history[-1] > history[0]
    stay = 0.85 + 0.15 / 3
    truth = math.log(3) - 5 * (stay * math.log(stay) + (1 - stay) * math.log((1 - stay) / 2))
    with torch.no_grad():
        found = -float(prior.log_prob(unseen).mean())
    shares = torch.stack([(unseen[:, 0] == code).double().mean(0) for code in range(3)])
    factorised = -float((shares * shares.log()).sum())
    assert factorised <= 6 * math.log(3) + 1e-9
    assert truth - 0.05 < found < truth + 0.1 < factorised - 2
    drawn = prior.sample(Context(4000, (8, 12)), 1, Noise(seed=0)).codes[0][:, None]
    for ours, theirs in zip(pairs(drawn), pairs(unseen), strict=True):
        torch.testing.assert_close(ours, theirs, atol=0.03, rtol=0)


def test_codes_of_one_cell_are_told_of_each_other() -> None:
    first = torch.randint(4, (3000, 1, 1, 1), generator=torch.Generator().manual_seed(0))
    prior = prior_of("product-vq(groups=2, entries=4)", stride=None, width=32)
    prior.fit(torch.cat([first, (first + 1) % 4], 1), Context(3000, (8, 8)), steps=300)
    one, two = prior.sample(Context(500, (8, 8)), 1, Noise(seed=0)).codes
    assert float(((one + 1) % 4 == two).float().mean()) > 0.98


# In a model


def images(rows: int = 96) -> Tensor:
    """Bars, so that codes depend on each other."""
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(rows, 1, 1, 28, generator=generator) > 0.5).float().expand(rows, 1, 28, 28).contiguous()


@pytest.mark.parametrize("name", ["vq-vae", "residual-vq-vae", "fsq-vae", "residual-fsq-vae"])
def test_it_is_fitted_to_a_model_and_the_bound_is_nearer(name: str, tmp_path: Path) -> None:
    model, x = create(name, seed=0).eval(), images()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    fitted = fit_prior(model, x, "autoregressive", width=16, layers=2, steps=60)
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    with torch.no_grad():
        old, new = (m(Batch(x), 2) for m in (model, fitted))
        assert torch.equal(old.distortion, new.distortion) and torch.equal(old.latents.state, new.latents.state)
        assert new.elbo.mean() > old.elbo.mean() + 10
        torch.testing.assert_close(new.rate, -fitted.prior.log_prob(new.latents.codes))
        torch.testing.assert_close(fitted.nll(Batch(x), 3), -new.elbo)
    again = load(save(fitted, tmp_path / "fitted"))
    assert all(torch.equal(a, again.state_dict()[key]) for key, a in fitted.state_dict().items())
    assert torch.equal(again.sample(2, noise=Noise(seed=0)), fitted.sample(2, noise=Noise(seed=0)))
    further = fit_prior(again, x, "autoregressive", width=16, layers=2, steps=1)
    assert further.origin.spec.parts["prior"].arguments == again.origin.spec.parts["prior"].arguments
    with torch.no_grad():  # it starts where the last fit ended
        assert (further(Batch(x)).rate.mean() - new.rate.mean()).abs() < 0.2 * (old.rate - new.rate).mean()


def test_the_command_fits_it_and_says_how_to_load_it(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for index in range(4):
        Image.new("L", (28, 28), 60 * index).save(tmp_path / "set" / f"{index}.png")
    saved = save(create("product-vq-vae", seed=0), tmp_path / "model")
    output = tmp_path / "out.safetensors"
    asked = [str(saved), "--data", str(tmp_path / "set"), "--prior", "autoregressive", "--set", "width=8"]
    done = CliRunner().invoke(command, [*asked, "--steps", "2", "-o", str(output)])
    assert done.exit_code == 0, done.exception
    made = eval(done.output.partition("; vaezoo.")[2], {"create": create})  # what it says is what one types
    assert isinstance(made.prior, AutoregressivePrior) and made.prior.book.sizes == (64,) * 4


def test_what_has_no_codes_is_refused() -> None:
    x = images(8)
    with pytest.raises(IncompatibleParts, match=r"over the codes of one grid, which vq, .* have; the prior 'normal'"):
        fit_prior(create("mlp-vae", seed=0), x, "autoregressive")
    with pytest.raises(IncompatibleParts, match="gives a pyramid belief, but the prior 'autoregressive' takes"):
        fit_prior(create("vq-vae-2", seed=0), x, "autoregressive")
    with pytest.raises(IncompatibleParts, match=r"Expected codes on one grid, got them on grids of \[\(4, 4\), \(8, 8"):
        fit_prior(create("vq-vae-2", seed=0), x, "codebooks")
    with pytest.raises(IncompatibleParts, match=r"fitted to codes, got latents of torch\.float32"):
        prior_of().fit(torch.zeros(3, 2, 2, 2), CONTEXT)
    with pytest.raises(IncompatibleParts, match="quantises the centre of a posterior"):
        prior_of().infer(Pyramid((torch.zeros(1, 2, 2, 2),)), CONTEXT)
    with pytest.raises(ShapeError, match=r"Expected codes \(N, 1, h, w\), got \(3, 2, 2, 2\)"):
        prior_of().log_prob(torch.zeros(3, 2, 2, 2).long())


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Expected width, layers and reach of at least 1, got \(8, 0, 1\)"):
        facts.autoregressive(2, 4, width=8, layers=0)
    for around, message in (
        ("vq(entrie=3)", r"Expected around as NAME\(key=value\) with options entries, learn"),
        ("vq(entries=", r"Expected around as NAME or NAME\(key=value\), got 'vq\(entries='"),
        ("vq(3)", r"Expected each option of around by name, got 'vq\(3\)'\. Write vq\(key=value\)"),
    ):
        with pytest.raises(ConfigError, match=message):
            facts.autoregressive(2, 4, around)
    assert facts.autoregressive(2, 4, "fsq(levels=(3, 2))") == facts.fsq(2, 4, (3, 2))


def test_the_codebook_of_the_old_model_stays() -> None:
    old = VQPrior(2, 4, 3)
    with torch.no_grad():
        old.codebook.sums.normal_()
    prior = prior_of()
    prior.adopt(old)
    z = torch.randn(4, 2, 2, 2)
    ours, theirs = prior.infer(Dirac(z), Context(4, (8, 8))), old.eval().infer(Dirac(z), Context(4, (8, 8)))
    assert torch.equal(ours.state, theirs.state) and torch.equal(ours.codes[0], theirs.codes[0])
