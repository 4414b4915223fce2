"""Checks that the facts of parts are true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vaezoo.core import VAE, DiagonalGaussian, Dirac, Posterior, Pyramid
from vaezoo.core.facts import Grid
from vaezoo.core.likelihood.head import kind_class
from vaezoo.errors import PartMismatch
from vaezoo.registry.parameters import check_pair
from vaezoo.zoo.specs import ModelSpec

BELIEFS = {"gaussian": DiagonalGaussian, "density": Posterior, "dirac": Dirac, "pyramid": Pyramid}


def check_signature(target: Callable[..., Any], facts: Callable[..., Any]) -> None:
    """Checks that a part is built from what is registered with it.

    Args:
        target: Class of the part, or function that makes it.
        facts: Configuration of the part, or its facts function.
    """
    try:
        check_pair(target, facts, target.__qualname__)
    except PartMismatch as error:
        raise AssertionError(str(error)) from error


def _fits(tensor: Tensor, grid: Grid, size: tuple[int, int]) -> bool:
    cells = () if grid.stride is None else (size[0] // grid.stride, size[1] // grid.stride)
    return tuple(tensor.shape[1:]) == (grid.channels, *cells)


def _tensors(belief: Posterior | Pyramid) -> tuple[Tensor, ...]:
    return belief.features if isinstance(belief, Pyramid) else (belief.mean,)


def check_facts(spec: ModelSpec, model: VAE, y: Tensor, cond: Mapping[str, Tensor], x: Tensor | None = None) -> None:
    """Checks the facts of all parts of a model with a batch.

    Args:
        spec: Specification of the model, which has the facts.
        model: The model.
        y: Images (B, C, H, W).
        cond: Other conditions.
        x: Targets. None means the images themselves.
    """
    facts = {slot: part.facts for slot, part in spec.parts.items() if part is not None}
    with torch.no_grad():
        context = model.context(y, cond)
        size = model.size or context.size
        if "conditioner" in facts:
            said = facts["conditioner"]
            assert said.gives_image == (context.image is not None), "the conditioner's gives_image is false"
            assert len(said.features) == len(context.features), "the conditioner's features are another number"
            assert all(_fits(f, g, size) for f, g in zip(context.features, said.features, strict=True))
            assert said.vector == (0 if context.vector is None else context.vector.shape[1])
            assert model.conditioner is not None and said.enlarges == model.conditioner.enlarges
        if model.encoder is not None:
            said = facts["encoder"]
            assert (said.image_channels, said.size) == (model.encoder.channels, model.encoder.size)
            belief = model.encode(y if x is None else x, y=y, cond=cond)
            assert isinstance(belief, BELIEFS.get(said.belief, Posterior)), f"the encoder gives {type(belief).__name__}"
            assert said.belief in facts["prior"].takes
            for tensor, grid in zip(_tensors(belief), said.grids, strict=True):
                assert _fits(tensor, grid, size), f"the encoder gives {tuple(tensor.shape)}, its facts say {grid}"
            latents = model.prior.infer(belief, context, 2)
            assert said.belief != "density" or latents.log_q is not None, "the belief's draws have no density"
            assert _fits(latents.state, facts["prior"].state, size), f"the state is {tuple(latents.state.shape)}"
        assert facts["prior"].detail == bool(getattr(model.prior, "detail", None)), "the prior's detail is false"
        latents, likelihood = model.path(context, 2)
        assert _fits(latents.state, facts["prior"].state, size), f"the state is {tuple(latents.state.shape)}"
        said = facts["decoder"]
        assert (said.image_channels, said.size) == (model.decoder.channels, model.decoder.size)
        assert isinstance(likelihood, kind_class(said.likelihood).gives), (
            f"the decoder gives {type(likelihood).__name__}"
        )
