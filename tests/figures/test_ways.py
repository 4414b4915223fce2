"""Interpolations: their ends, their lengths, and the geometry of each prior."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import vaezoo
from vaezoo.core.priors.axes import line, slerp
from vaezoo.errors import ConfigError, IncompatibleParts, ShapeError
from vaezoo.figures import interpolate


def pictures(n: int, seed: int = 0) -> Tensor:
    return torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["vae", "conv-beta", "ladder-vae", "gmm-vae", "svae", "poincare-vae", "gamma-vae"])
def test_the_ends_are_the_reconstructions_and_outside_them_the_pictures(name: str) -> None:
    model, start, end = vaezoo.create(name, seed=0), pictures(2), pictures(2, 1)
    sheet = interpolate(model, start, end, columns=4)
    assert len(sheet.rows) == 2 and sheet.column_labels == ("start", "0", "0.33", "0.67", "1", "end")
    first, last = model.eval().reconstruct(start), model.reconstruct(end)
    for index, row in enumerate(sheet.rows):
        assert row[0].equal(start[index]) and row[-1].equal(end[index])
        assert row[1].allclose(first[index], atol=1e-5) and row[-2].allclose(last[index], atol=1e-5)
        assert not row[1].equal(row[2]) and not row[2].equal(row[3])


def test_slerp_goes_over_the_sphere_at_a_steady_pace() -> None:
    a, b = torch.tensor([[3.0, 0, 0]]), torch.tensor([[0, 3.0, 0]])
    way = slerp(a, b, torch.tensor([0, 1 / 3, 0.5, 1]))
    assert way[:, 0].norm(dim=1).allclose(torch.tensor(3.0))
    assert way[1, 0].allclose(3 * torch.tensor([math.cos(math.pi / 6), math.sin(math.pi / 6), 0]))
    assert line(a, b, torch.tensor([0.5]))[0, 0].norm().item() == pytest.approx(3 / math.sqrt(2))
    z = torch.randn(2, 5, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    way = slerp(z[0], z[1], torch.tensor([0.0, 1.0]))
    assert way.shape == (2, 5, 4, 3, 3) and way.allclose(z, atol=1e-6)


def test_slerp_of_parallel_opposite_or_no_vectors_is_the_line() -> None:
    a = torch.tensor([[1.0, 2.0]])
    shares = torch.tensor([0.0, 0.25, 1.0])
    for b in (2 * a, -a, torch.zeros(1, 2), a):
        assert slerp(a, b, shares).allclose(line(a, b, shares), atol=1e-6)


def test_a_line_is_taken_when_asked_for() -> None:
    model, start, end = vaezoo.create("vae", seed=0).eval(), pictures(1), pictures(1, 1)
    z = (model.encode(start).mean + model.encode(end).mean) / 2
    middle = interpolate(model, start, end, columns=3, linear=True).rows[0][2]
    assert middle.allclose(model.decode(z).image[0], atol=1e-6)
    assert not middle.allclose(interpolate(model, start, end, columns=3).rows[0][2], atol=1e-5)


def test_the_way_on_a_sphere_is_a_great_circle_of_each_cell() -> None:
    prior = vaezoo.create("svae", seed=0).prior
    z = torch.nn.functional.normalize(torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0)), dim=2)
    way = prior.interpolate(z[0], z[1], torch.linspace(0, 1, 5))
    assert way.norm(dim=2).allclose(torch.tensor(1.0), atol=1e-6)
    steps = torch.arccos((way[1:] * way[:-1]).sum(2).clamp(-1, 1))
    whole = torch.arccos((z[0] * z[1]).sum(1))
    assert steps.allclose((whole / 4).expand(4, 3), atol=1e-3)
    cells = torch.nn.functional.normalize(
        torch.randn(2, 1, 10, 2, 2, generator=torch.Generator().manual_seed(1)), dim=2
    )
    assert prior.interpolate(cells[0], cells[1], torch.tensor([0.5])).norm(dim=2).allclose(torch.tensor(1.0), atol=1e-6)
    with pytest.raises(IncompatibleParts, match="opposite on the sphere"):
        prior.interpolate(z[0], -z[0], torch.tensor([0.0, 0.5, 1.0]))


def test_the_way_in_a_ball_is_its_geodesic() -> None:
    def apart(x: Tensor, y: Tensor) -> Tensor:
        square = ((x - y) ** 2).sum(-1)
        return torch.arccosh(1 + 2 * square / ((1 - (x**2).sum(-1)) * (1 - (y**2).sum(-1))))

    prior = vaezoo.create("poincare-vae", seed=0).prior
    assert prior.curvature == 1
    a, b = torch.tensor([[0.6, 0.1]]), torch.tensor([[-0.2, 0.7]])
    way = prior.interpolate(a, b, torch.linspace(0, 1, 5)).double()
    assert way[0].allclose(a.double(), atol=1e-6) and way[-1].allclose(b.double(), atol=1e-6)
    steps = apart(way[1:], way[:-1])
    assert steps.allclose((apart(a, b) / 4).double().expand(4, 1), atol=1e-4)  # steady, and no longer than the whole


def test_a_ladders_levels_go_their_way_in_units_of_the_prior() -> None:
    model, x = vaezoo.create("ladder-vae", seed=0).eval(), pictures(2)
    context = model.context(x[:1])
    z = model.prior.infer(model.encode(x), model.context(x), 1).z
    first, last = tuple(each[:, :1] for each in z), tuple(each[:, 1:] for each in z)
    middle = model.prior.between(first, last, torch.tensor([0.5]), context, True)
    ends = model.prior.units(first, context), model.prior.units(last, context)
    for found, a, b in zip(model.prior.units(middle.z, context), *ends, strict=True):
        assert found.allclose((a + b) / 2, atol=1e-3)


def test_each_end_keeps_its_condition() -> None:
    model, x = vaezoo.create("conv-cvae", seed=0).eval(), pictures(2)
    told = {"label": torch.tensor([3])}, {"label": torch.tensor([8])}
    sheet = interpolate(model, x[:1], x[1:], columns=4, start_cond=told[0], end_cond=told[1])
    for place, index in ((1, 0), (-2, 1)):
        wanted = model.reconstruct(x[index : index + 1], cond=told[index])[0]
        assert sheet.rows[0][place].allclose(wanted, atol=1e-5)
        assert not wanted.allclose(model.reconstruct(x[index : index + 1], cond=told[1 - index])[0], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gumbel-vae", "CategoricalPrior lie on classes, or in simplices"),
        ("joint-vae", "JointPrior lie on classes beside real numbers, and no path"),
        ("vq-vae", "VQPrior lie on the codes of a codebook, and no path"),
        ("fsq-vae", "FSQPrior lie on the codes"),
        ("top-k-ae", "TopKPrior lie on planes"),
    ],
)
def test_latents_without_a_way_say_why(name: str, why: str) -> None:
    with pytest.raises(IncompatibleParts, match=why):
        interpolate(vaezoo.create(name, seed=0), pictures(1), pictures(1, 1))


def test_mistakes_are_named() -> None:
    model = vaezoo.create("svae", seed=0)
    with pytest.raises(IncompatibleParts, match="lie on a sphere, which a straight line would leave"):
        interpolate(model, pictures(1), pictures(1, 1), linear=True)
    with pytest.raises(ConfigError, match="columns of at least 2, got 1"):
        interpolate(model, pictures(1), pictures(1, 1), columns=1)
    with pytest.raises(ShapeError, match=r"one shape, got \(1, 1, 28, 28\) and \(2, 1, 28, 28\)"):
        interpolate(model, pictures(1), pictures(2))
    with pytest.raises(ConfigError, match="1 or 3 rows of label, got 2"):
        cond = {"label": torch.tensor([1, 2])}
        interpolate(vaezoo.create("conv-cvae", seed=0), pictures(3), pictures(3), start_cond=cond)
    with pytest.raises(IncompatibleParts, match="restores images"):
        interpolate(vaezoo.create("denoise", seed=0), pictures(1), pictures(1))
