"""Fitting a prior after training. The result is a new model around the old parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vaezoo.errors import ConfigError, IncompatibleParts, TrainingError
from vaezoo.host.manager import Zoo, current_zoo
from vaezoo.registry.entries import Source
from vaezoo.registry.registry import Registry
from vaezoo.zoo.create import Origin, build_model, seeded
from vaezoo.zoo.described import body_of, describe
from vaezoo.zoo.specs import ModelSpec, resolve

if TYPE_CHECKING:
    from torch import Tensor

    from vaezoo.core import VAE, Batch, Context, Latents, Noise


def fit_prior(
    model: VAE,
    data: Tensor | Batch,
    prior: str = "mixture",
    *,
    samples: int = 1,
    batch: int = 256,
    steps: int | None = None,
    seed: int = 0,
    zoo: Zoo | None = None,
    **params: Any,
) -> VAE:
    """Fits a prior to the aggregate posterior of images. Returns a new model with it and leaves the old one unchanged.

    Encoder, decoder and conditioner are copied, so reconstructions stay the same. Samples and rates change.

    Args:
        model: Trained model, made by :func:`vaezoo.create` or :func:`vaezoo.load`. Its latents are drawn from q(z|x).
        data: Training images (N, C, H, W), or a batch of them with its conditions.
        prior: Name of the prior to fit, such as ``mixture`` or a plugin's ``flow``. ``autoregressive`` is for the codes
            of a codebook, which stays.
        samples: Number of latents drawn per image. Codes are deterministic, so they are taken once.
        batch: Number of images at once.
        steps: Maximum number of steps of the fit. None means the prior's default.
        seed: Random seed of the latents, the initialisation and the fit.
        zoo: Zoo to look names up in. None means the installed zoo.
        **params: Parameters of the prior: ``components=10``, ``covariance="full"``.

    Returns:
        The new model, in evaluation mode, with the old one's device and dtype. :func:`vaezoo.save` can save it.

    Raises:
        ConfigError: The model has no origin, a setting is unknown, or there are too few latents.
        IncompatibleParts: The prior does not go with the encoder's belief, cannot be fitted, or would pass something
            else to the decoder than the old prior does.
        ShapeError: The model cannot take the images.
        TrainingError: The latents or the fit are not finite.

    Source: From Variational to Deterministic Autoencoders (Ghosh et al., 2020), section 4, arXiv:1903.12436.
    """
    import torch

    from vaezoo.core import Batch, Noise
    from vaezoo.core.shapes import check_image
    from vaezoo.host.asking import tell_created

    given = data if isinstance(data, Batch) else Batch(data)
    if samples < 1 or batch < 1:
        raise ConfigError(f"Expected samples and batch of at least 1, got {samples} and {batch}.", value=samples)
    check_image(given.y, model.channels, model.size, what="data")
    kept = zoo or current_zoo()
    spec = _with_prior(model, prior, params, kept)
    with seeded(seed):
        fitted = build_model(spec)
    for slot in ("conditioner", "encoder", "refine", "decoder"):
        if (part := getattr(model, slot)) is not None:
            getattr(fitted, slot).load_state_dict(part.state_dict())
    fitted.prior.adopt(model.prior)
    like = next(model.parameters())
    fitted.to(like.device).eval()
    with _resting(model), torch.no_grad():
        z, context = _latents(model, given, samples, batch, seed)
        _decodes_the_same(model, fitted, given, prior, Noise(seed=seed))
    fitted.prior.fit(z, context, steps=steps, seed=seed)
    fitted.to(like.dtype)
    for name, tensor in fitted.prior.state_dict().items():
        if not tensor.isfinite().all():
            raise TrainingError(f"The fit of {prior!r} ended in NaN or infinity in {name!r}.", value=name)
    fitted.origin = Origin(model.origin.name, spec)
    tell_created(kept, model.origin.name, fitted)
    return fitted


def _with_prior(model: VAE, prior: str, params: dict[str, Any], kept: Zoo) -> ModelSpec:
    """Returns a model's specification with another prior. Drops shared values that only the old prior used."""
    spec: ModelSpec | None = getattr(getattr(model, "origin", None), "spec", None)
    if spec is None:
        raise ConfigError(
            f"Expected a model that vaezoo.create or vaezoo.load made, got {type(model).__name__} without an origin.",
            hint="Register its parts and create it by name.",
            value=type(model).__name__,
        )
    told = describe(spec)
    taken = {key for slot, part in spec.parts.items() if part and slot != "prior" for key in part.params}
    told["shared"] = {key: value for key, value in told["shared"].items() if key in taken | {"image_size"}}
    registry = Registry(str(told["owner"]))
    registry.parts = kept.registry.parts
    registry.add_model(str(told["name"]), body_of(told), Source(str(told["owner"])))
    found = resolve(registry, str(told["name"]), {"prior": {"name": prior, **params}})
    if (part := found.parts["prior"]) and "around" in part.params and "around" not in params:
        return resolve(registry, str(told["name"]), {"prior": {"name": prior, "around": _said(spec), **params}})
    return found


def _said(spec: ModelSpec) -> str:
    """Returns a model's prior as ``NAME(key=value)``. For a prior that wraps another one, this is the inner one."""
    part = spec.parts["prior"]
    if part is None:
        return ""
    if "around" in part.params:
        return str(part.arguments["around"])
    options = (f"{key}={value!r}" for key, value in part.arguments.items() if not key.startswith("latent_"))
    return f"{part.part.name}({', '.join(options)})"


def _latents(model: VAE, given: Batch, samples: int, batch: int, seed: int) -> tuple[Tensor, Context]:
    """Returns samples of q(z|x), (samples·N, D, ...) in fp32 with the sample index slow, and their context.

    For a model with codes it returns the codes, (N, codebooks, h, w).
    """
    import torch

    from vaezoo.core import Noise

    found, contexts, bad = [], [], 0
    for start in range(0, len(given.y), batch):
        latents, context = _infer(
            model, given, slice(start, start + batch), samples, Noise(seed=seed).at(start * samples)
        )
        z = latents.z[0][:1] if latents.codes else latents.z[0]
        bad += int((~z.flatten(2).isfinite().all(2)).sum())
        if len(grids := sorted({tuple(codes.shape[1:]) for codes in latents.codes})) > 1:
            raise IncompatibleParts(
                f"Expected codes on one grid, got them on grids of {grids} cells.",
                hint="Fit a prior to a model with codes at one scale.",
                value=grids,
            )
        found.append(torch.stack(latents.codes, 1)[None] if latents.codes else z.float())
        contexts.append(context)
    z, first = torch.cat(found, 1).flatten(0, 1), contexts[0]
    samples = len(found[0])
    if bad:
        raise TrainingError(
            f"Expected finite latents, got NaN or infinity in {bad} of {len(z)}.",
            hint="Look at the images and at the model's weights.",
            value=bad,
        )
    vectors = [c.vector for c in contexts if c.vector is not None]
    vector = torch.cat(vectors) if vectors else None
    return z, replace(first, batch=len(z) // samples, image=None, features=(), vector=vector).repeat(samples)


def _infer(model: VAE, given: Batch, part: slice, samples: int, noise: Noise) -> tuple[Latents, Context]:
    device = next(model.parameters()).device
    y, x = given.y[part].to(device), given.target[part].to(device)
    cond = {name: rows[part].to(device) for name, rows in given.cond.items()}
    belief = model.encode(y if model.encodes == "input" else x, y=y, cond=cond)
    context = model.context(y, cond)
    return model.prior.infer(belief, context, samples, noise), context


def _decodes_the_same(model: VAE, fitted: VAE, given: Batch, prior: str, noise: Noise) -> None:
    """Raises if the decoder would receive something else for a sample of the posterior under the new prior."""
    import torch

    before, after = (_infer(m, given, slice(0, 2), 1, noise)[0].state for m in (model, fitted))
    if before.shape != after.shape or not torch.allclose(before.float(), after.float(), atol=1e-4, rtol=1e-3):
        name = model.origin.spec.parts["prior"].part.name
        raise IncompatibleParts(
            f"The prior {name!r} transforms latents unlike the prior {prior!r}, so the decoder would "
            f"receive inputs that it was not trained on.",
            hint="Fit a prior of the same family.",
            value=prior,
        )


@contextmanager
def _resting(model: VAE) -> Iterator[None]:
    """Context manager that sets a model to evaluation mode and restores its mode afterwards."""
    mode = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(mode)
