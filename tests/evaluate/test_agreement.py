"""What counts as the same score."""

from __future__ import annotations

import pytest

from vaezoo.evaluate.agreement import compare


@pytest.mark.parametrize(
    ("card", "now", "tolerance", "within"),
    [
        ({"psnr_db": 30.0}, {"psnr_db": 30.29}, {}, True),
        ({"psnr_db": 30.0}, {"psnr_db": 29.69}, {}, False),
        ({"psnr_db": 30.0}, {"psnr_db": 29.69}, {"psnr_db": 0.5}, True),
        ({"psnr_db": 30.0}, {"psnr_db": 29.95}, {"psnr_db": 0.01}, False),
        ({"ence": 0.08}, {"ence": 0.099}, {}, True),
        ({"ence": 0.08}, {"ence": 0.101}, {}, False),
        ({"elbo_nats": -200.0}, {"elbo_nats": -201.9}, {}, True),
        ({"elbo_nats": -200.0}, {"elbo_nats": -202.1}, {}, False),
        ({"active_units": 9}, {"active_units": 10}, {}, True),
        ({"active_units": 9}, {"active_units": 11}, {}, False),
        ({"images": 10000}, {"images": 9999}, {}, False),
        ({"images": 10000}, {"images": 10000}, {}, True),
        ({"psnr_db": 30.0}, {}, {}, False),
        ({"psnr_db": 30.0}, {"psnr_db": float("nan")}, {}, False),
    ],
)
def test_the_tolerance(card: dict, now: dict, tolerance: dict, within: bool) -> None:
    (row,) = compare(card, now, tolerance)
    assert row.within is within
