"""The curve of sRGB: its two pieces, its inverse, and values of the standard."""

from __future__ import annotations

import pytest
import torch

from vaezoo.image.damage.light import from_linear, to_linear


def test_the_curve_is_that_of_the_standard() -> None:
    values = torch.tensor([0.0, 0.02, 0.04045, 0.5, 1.0], dtype=torch.float64)
    light = [0.0, 0.02 / 12.92, 0.04045 / 12.92, ((0.5 + 0.055) / 1.055) ** 2.4, 1.0]
    assert to_linear(values).tolist() == pytest.approx(light)
    assert to_linear(torch.tensor(0.5)).item() == pytest.approx(0.21404, abs=1e-5)


def test_there_and_back_changes_nothing_and_keeps_the_order() -> None:
    values = torch.linspace(-0.1, 1.2, 2001, dtype=torch.float64)
    torch.testing.assert_close(from_linear(to_linear(values)), values, rtol=0, atol=2e-6)  # the pieces meet to 1e-6
    assert (to_linear(values).diff() > 0).all()


def test_black_has_a_finite_slope() -> None:
    values = torch.zeros(3, requires_grad=True)
    (to_linear(values) + from_linear(values)).sum().backward()
    assert values.grad is not None and values.grad.tolist() == pytest.approx([1 / 12.92 + 12.92] * 3)
