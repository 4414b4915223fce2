"""Maps of latents: the principal components beside numpy's, and what the drawing shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

import vaezoo
from vaezoo.errors import ConfigError
from vaezoo.figures import Projection, latents
from vaezoo.figures.projection import COLOURS, MARKERS, principal_components, style_of


def test_the_components_are_numpys_up_to_sign() -> None:
    values = torch.randn(200, 7, generator=torch.Generator().manual_seed(0)) * torch.tensor([3.0, 1, 2, 1, 1, 1, 0.1])
    values = values + 5
    found = principal_components(values)
    centred = values.double().numpy() - values.double().numpy().mean(0)
    _, scales, directions = np.linalg.svd(centred, full_matrices=False)
    for index in range(2):
        sign = np.sign(found.directions[index].numpy() @ directions[index])
        assert np.allclose(found.directions[index], sign * directions[index], atol=1e-8)
        assert np.allclose(found.points[:, index], sign * centred @ directions[index], atol=1e-8)
    assert np.allclose(found.explained, (scales**2 / (scales**2).sum())[:2])
    assert found.directions.gather(1, found.directions.abs().argmax(1, keepdim=True)).min() > 0
    assert found.points.mean(0).abs().max() < 1e-10


def test_one_latent_has_a_second_component_of_nothing() -> None:
    found = principal_components(torch.tensor([[1.0], [2.0], [6.0]]))
    assert found.points.tolist() == [[-2, 0], [-1, 0], [3, 0]] and found.explained.tolist() == [1, 0]


def test_the_latents_are_the_posteriors_centres_also_of_several_levels() -> None:
    images = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    model = vaezoo.create("vae", seed=0).eval()
    wanted = principal_components(model.encode(images).mean.detach())
    assert latents(model, images).points.allclose(wanted.points, atol=1e-6)
    ladder = latents(vaezoo.create("ladder-vae", seed=0), images)
    assert ladder.directions.shape[1] > 100 and ladder.facts["latents"] == ladder.directions.shape[1]


def test_each_label_has_its_colour_a_name_at_its_median_and_a_place_in_the_legend() -> None:
    points = torch.tensor([[0.0, 0], [1, 0], [2, 0], [0, 5], [0, 6], [0, 7]], dtype=torch.float64)
    labels = torch.tensor([3, 3, 3, 8, 8, 8])
    (axes,) = Projection(points, torch.eye(2), torch.tensor([0.75, 0.25]), labels).draw().axes
    assert [to_hex(c.get_facecolor()[0]).upper() for c in axes.collections] == [c.upper() for c in COLOURS[:2]]
    assert [c.get_offsets().tolist() for c in axes.collections] == [points[:3].tolist(), points[3:].tolist()]
    assert [(t.get_text(), t.xy) for t in axes.texts] == [("3", (1, 0)), ("8", (0, 6))]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["3", "8"]
    assert "75.0 % of the variance" in axes.get_xlabel() and "25.0 % of the variance" in axes.get_ylabel()


def test_without_labels_there_is_one_colour_and_no_legend() -> None:
    (axes,) = Projection(torch.rand(5, 2).double(), torch.eye(2), torch.tensor([0.6, 0.4])).draw().axes
    assert len(axes.collections) == 1 and axes.get_legend() is None and not axes.texts


def test_labels_beyond_the_colours_have_another_marker() -> None:
    styles = [style_of(index) for index in range(len(COLOURS) * len(MARKERS))]
    assert len(set(styles)) == 80 and styles[0] == (COLOURS[0], "o") and styles[10] == (COLOURS[0], "^")


def test_colours_stay_apart_for_the_colour_blind() -> None:
    """Deuteranopia and protanopia, by the matrices of Viénot et al. (1999): no two come together."""
    into = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    protan = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
    deutan = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
    rgb = np.array([[int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] for colour in COLOURS]) ** 2.2
    for blind in (protan, deutan):
        seen = np.clip(rgb @ into.T @ blind.T @ np.linalg.inv(into).T, 0, 1) ** (1 / 2.2)
        apart = np.linalg.norm(seen[:, None] - seen[None], axis=2) + 9 * np.eye(len(COLOURS))
        assert apart.min() > 0.15, apart.min()


def test_mistakes_are_named() -> None:
    model = vaezoo.create("vae", seed=0)
    with pytest.raises(ConfigError, match="images of at least 3, got 2"):
        latents(model, torch.rand(2, 1, 28, 28))
    with pytest.raises(ConfigError, match="All images have the same latents"):
        latents(model, torch.zeros(3, 1, 28, 28))
    with pytest.raises(ConfigError, match="one row of labels per image, got 4 for 3"):
        latents(model, torch.rand(3, 1, 28, 28), labels=torch.zeros(4).long())
