"""The cost of a model: parameters, multiply-accumulates and shapes, stage by stage. Imports torch.

Multiplications of convolutions, linear layers, matrix products and attention are counted as they run, by torch's own
formulas. Elementwise work (activations, padding, noise, densities) is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from vaezoo.core import (
    VAE,
    Batch,
    Context,
    Latents,
    Likelihood,
    Noise,
    Objective,
    Posterior,
    Pyramid,
    pad_to_stride,
    with_revisions,
)
from vaezoo.errors import ConfigError, PluginError, VaezooError, words_of
from vaezoo.zoo.create import build, build_model
from vaezoo.zoo.specs import ModelSpec, PartSpec

SIDE = 256
"""Side of the image in pixels if neither caller nor model gives one, rounded up to a multiple of the stride."""
MAX_PIXELS = 2**20
"""Largest number of pixels for a model that must be run with real values."""
PAIR = 2
"""Images in the training pass, since some normalisations and losses refuse a single one. Results are per image."""
Result = TypeVar("Result")


def cost_of(spec: ModelSpec, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """Returns the cost of one image.

    The model is built and run without values, on torch's meta device. A model that reads its values is built and run
    for real instead, with random weights.

    Args:
        spec: Specification of the model.
        size: (H, W) in pixels; a size that the model takes.

    Returns:
        ``size``, ``padded``, ``device``, ``parameters``; ``tensors``, the shape of each tensor by name; ``revisions``,
        the names of tensors that an older file may lack; ``stages``, each with ``parameters``, ``macs`` per image,
        ``macs_per_pixel``, the ``shapes`` of its outputs without the batch dimension, and its ``children``; and
        ``totals`` in ``macs`` and ``macs_per_pixel`` of ``restore`` (the mean path), one ``further_sample`` and
        ``training_forward`` (the loss at step 0 for a batch of two, halved, without the backward pass).

    Raises:
        ConfigError: The model must be run for real, and the size is too large for that.
        PluginError: A part fails when it is run, with an error that is not vaezoo's.
    """
    try:
        return _counted(spec, size, "meta")
    except VaezooError:
        raise
    except Exception:  # torch has many errors for operations without values; a fault of the model shows again below
        pass
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise ConfigError(
            f"Expected a size of at most {MAX_PIXELS} pixels, got {size}: {spec.model.name!r} has to be run for real.",
            hint="MACs per pixel hardly depend on the size: choose a smaller one.",
            value=size,
        )
    try:
        return _counted(spec, size, "cpu")
    except VaezooError:
        raise
    except Exception as error:
        raise PluginError(
            f"The parts of {spec.model.name!r} fail when run: {type(error).__name__}: {words_of(error)}",
            hint="They are not what their facts say: run the contract kit, vaezoo.testing, on them.",
            value=spec.model.name,
        ) from error


def _counted(spec: ModelSpec, size: tuple[int, int] | None, device: str) -> dict[str, Any]:
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad():
        model = build_model(spec).eval()
        loss = build(cast(PartSpec, spec.parts["loss"]))
        side = -(-SIDE // model.stride) * model.stride
        height, width = size or model.size or model.default_size or (side, side)
        y = torch.full((1, model.channels, height, width), 0.5, dtype=torch.float32)
        stages = _stages(model, y)
        factor = model.enlarges[0] if model.enlarges else 1
        pair = Batch(y.repeat(PAIR, 1, 1, 1), y.repeat(PAIR, 1, factor, factor))
        training = _total(lambda: Objective(model, loss).train()(pair, 0))[1] // PAIR
    macs = {name: stage["macs"] for name, stage in stages.items()}
    walk = macs["prior.infer" if model.encodes == "input" else "prior.sample"] + macs["decoder"]
    once = macs.get("conditioner", 0) + (macs["encoder"] if model.encodes == "input" else 0)
    further = walk + macs.get("prior.detail", 0)
    totals = {"restore": once + walk, "further_sample": further, "training_forward": training}
    for stage in stages.values():
        for each in (stage, *stage["children"].values()):
            each["macs_per_pixel"] = each["macs"] / (height * width)
    return {
        "size": [height, width],
        "padded": [-(-side // model.stride) * model.stride for side in (height, width)],
        "device": device,
        "parameters": sum(p.numel() for p in model.parameters()),
        "stages": stages,
        "tensors": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "revisions": {name: list(tensor.shape) for name, tensor in with_revisions(model, {}).items()},
        "totals": {name: {"macs": n, "macs_per_pixel": n / (height * width)} for name, n in totals.items()},
    }


def _stages(model: VAE, y: Tensor) -> dict[str, dict[str, Any]]:
    """Runs a model once along the mean path, slot by slot."""
    centre, stages = Noise(temperature=0), {}

    def stage(name: str, part: nn.Module, run: Callable[[], Result]) -> Result:
        with _watched(part) as seen:
            result, macs = _total(run)
        children = {label: _child(child, seen) for label, child in _children(part)}
        own = sum(p.numel() for p in part.parameters())
        stages[name] = {"parameters": own, "macs": macs, "shapes": shapes_of(result), "children": children}
        return result

    def context() -> Context:
        return model.context(y)

    known = context() if model.conditioner is None else stage("conditioner", model.conditioner, context)
    if model.encoder is not None:
        encoder = model.encoder
        target = y.repeat(1, 1, known.factor, known.factor)
        seen = target if encoder.size is not None else pad_to_stride(target, model.stride * known.factor)
        belief = stage("encoder", encoder, lambda: encoder(seen, known))
        inferred = stage("prior.infer", model.prior, lambda: model.prior.infer(belief, known, 1, centre))
    sampled = stage("prior.sample", model.prior, lambda: model.prior.sample(known, 1, centre))
    latents = inferred if model.encodes == "input" else sampled
    if (detail := getattr(model.prior, "detail", None)) is not None:
        stage("prior.detail", detail, lambda: detail(sampled.state, torch.zeros_like(sampled.z[-1].flatten(0, 1))))
    stage("decoder", model.decoder, lambda: model.decoder(latents.state, known))
    return stages


class Counter(TorchDispatchMode):
    """Context manager that counts multiply-accumulates, by torch's formulas.

    Torch's own ``FlopCounterMode`` has the same formulas but hooks the inputs of modules. These hooks fail if a loss
    takes gradients with respect to latents, or a module is called with a parameter.
    """

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs one operation and counts it, or the operations it consists of."""
        formula = flop_registry.get(func._overloadpacket)
        if formula is None:
            with self:
                result = func.decompose(*args, **kwargs or {})
            if result is not NotImplemented:
                return result
        result = func(*args, **kwargs or {})
        if formula is not None:
            self.macs += int(formula(*args, **kwargs or {}, out_val=result)) // 2
        return result


def _total(run: Callable[[], Result]) -> tuple[Result, int]:
    """Runs a function. Returns its result and its multiply-accumulates."""
    with Counter() as counter:
        result = run()
    return result, counter.macs


Seen = dict[nn.Module, tuple[int, Any]]
"""Work and output of each called module: its multiply-accumulates, with those of its submodules, and the last shapes.

A belief is kept itself instead of shapes, since computing its mean may be work that must not be counted.
"""


@contextmanager
def _watched(part: nn.Module) -> Iterator[Seen]:
    """Context manager that records the work of the modules inside a part."""
    seen: Seen = {}
    counters: list[Counter] = []
    handles = []

    def before(module: nn.Module, _: Any) -> None:
        counters.append(Counter().__enter__())

    def after(module: nn.Module, _: Any, result: Any) -> None:
        counter = counters.pop()
        counter.__exit__(None, None, None)
        told = result if isinstance(result, Posterior | Likelihood) else shapes_of(result)
        seen[module] = (seen.get(module, (0, None))[0] + counter.macs, told)

    for module in part.modules():
        handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        yield seen
    finally:
        for counter in reversed(counters):  # left over from a module that raised
            counter.__exit__(None, None, None)
        for handle in handles:
            handle.remove()


def _children(part: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yields a part's direct children. A list of modules is replaced by its members."""
    for name, child in part.named_children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from ((f"{name}.{inner}", module) for inner, module in _children(child))
        else:
            yield name, child


def _child(child: nn.Module, seen: Seen) -> dict[str, Any]:
    """Returns the recorded work of a child."""
    told = seen.get(child, (0, None))[1]
    shapes = told if isinstance(told, dict) else shapes_of(told)
    return {"parameters": sum(p.numel() for p in child.parameters()), "macs": _macs(child, seen), "shapes": shapes}


def _macs(module: nn.Module, seen: Seen) -> int:
    """Returns the work of a module and its submodules. Some run after it returned, as in a lazy distribution."""
    return max(seen.get(module, (0, None))[0], sum(_macs(child, seen) for child in module.children()))


def shapes_of(result: Any) -> dict[str, list[int]] | None:
    """Returns the shapes of the output of a part or layer, by name, without batch and sample dimensions."""
    if isinstance(result, Tensor):
        return {"output": list(result.shape[1:])}
    if isinstance(result, Context):
        named = {"image": result.image, "vector": result.vector}
        named |= {f"features.{i}": feature for i, feature in enumerate(result.features)}
    elif isinstance(result, Pyramid):
        named = {f"features.{i}": feature for i, feature in enumerate(result.features)}
    elif isinstance(result, Latents):
        levels = {f"z.{i}" if len(result.z) > 1 else "z": z[0] for i, z in enumerate(result.z)}
        named = {**levels, "state": result.state}
    elif isinstance(result, Likelihood):
        named = {"image": result.image}
    elif isinstance(result, Posterior):
        named = {"mean": getattr(result, "mean", None)}
    elif isinstance(result, tuple | list):
        named = {str(i): value for i, value in enumerate(result)}
    else:
        return None
    return {name: list(value.shape[1:]) for name, value in named.items() if isinstance(value, Tensor)}
