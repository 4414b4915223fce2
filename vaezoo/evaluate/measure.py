"""`evaluate`: measuring several metrics by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from torch import Tensor

from vaezoo.core import VAE
from vaezoo.core.machine.arithmetic import check_precision
from vaezoo.core.shapes import check_image
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.evaluate.data import Data, Features, Trial, evaluating
from vaezoo.evaluate.metrics import Metric, likeness
from vaezoo.host.kinds import find, names_of
from vaezoo.moved import former

WITH = {"factors": "factors", "labels": "mnist"}
"""A data set that has what a metric may need."""


def evaluate(
    model: VAE,
    data: Tensor | Data,
    metrics: Sequence[str] = ("elbo",),
    *,
    samples: int = 100,
    batch: int = 500,
    seed: int = 0,
    max_mib: float = 512,
    features: Features | None = None,
    precision: str = "fp32",
) -> dict[str, float]:
    """Measures a model by metrics of given names.

    Args:
        model: Model. It runs in evaluation mode, and its mode is restored.
        data: Images (N, C, H, W) in [0, 1], or `Data` with their labels or factors.
        metrics: Names of metrics, as in ``vaezoo list --kind metrics``. ``mig@1`` asks for version 1 of ``mig``.
            ``fid:NET`` and ``kid:NET`` also name a model whose posterior means are the features, or describe
            ``features``.
        samples: Number of importance samples per image, for ``nll``.
        batch: Largest number of images at once.
        seed: Random seed of all draws. The same arguments give the same numbers.
        max_mib: Bound on the networks' simultaneous outputs, in MiB. Rows are processed in chunks to keep it.
        features: Function from images to features (B, D), for ``fid`` and ``kid``.
        precision: Precision of the networks for ``nll``: ``"fp32"``, or ``"bf16"``, which is faster on processors that
            support it and changes the last digits. All other metrics use fp32.

    Returns:
        Values by ``NAME@VERSION``, or ``NAME@VERSION.FIELD`` for a metric with several values.

    Raises:
        UnknownName: A metric, or its version, is unknown.
        ConfigError: The data lack what a metric needs, a number is out of range, or the precision is unknown.
        NotNormalised: A likelihood or information is requested, but the model has no density.
        ShapeError: The model cannot take the images.
    """
    data = data if isinstance(data, Data) else Data(data)
    if len(data.images) < 2 or batch < 1 or samples < 1:
        came = f"{len(data.images)} images, batch={batch}, samples={samples}"
        raise ConfigError(f"Expected two images or more, batch >= 1 and samples >= 1, got {came}.", value=came)
    if not isinstance(model, VAE):
        raise ConfigError(f"Expected a model, got {model!r}.", hint="Make one with vaezoo.create.", value=model)
    if isinstance(metrics, str):
        raise ConfigError(f"Expected a list of metrics, got {metrics!r}.", hint=f"Use [{metrics!r}].", value=metrics)
    found = [(*find_metric(name), data) for name in metrics]
    for name, _, metric, _ in found:
        if metric.needs and getattr(data, metric.needs) is None:
            message = f"The metric {name!r} needs {metric.needs}, but the data have none."
            known = WITH.get(metric.needs)
            hint = f"Use a data set that has them{f': --data {known}' if known else ''}."
            raise ConfigError(message, hint=hint, value=name)
    check_image(data.images, model.channels, model.size, what="images")
    trial = Trial(model, data, samples, seed, max_mib, batch, features, check_precision(precision))
    report: dict[str, float] = {}
    with evaluating(model):
        for name, net, metric, _ in found:
            key = f"{name}{':' + net if net else ''}@{metric.version}"
            values = metric.measure(trial, net) if metric.by_features else metric.measure(trial)
            fields = values if isinstance(values, dict) else {"": values}
            report |= {f"{key}.{field}" if field else key: value for field, value in fields.items()}
    return report


def find_metric(text: str) -> tuple[str, str, Metric]:
    """Returns a metric's name, the name of its feature network (or an empty text), and the metric.

    Raises:
        UnknownName: The metric, or its version, is unknown.
        VaezooError: As for `vaezoo.host.kinds.find`.
        ConfigError: The declared object is not a metric. Or a distance of sets names no network, or another metric
            does.
    """
    whole, _, version = text.partition("@")
    name, _, net = whole.partition(":")
    found = find("metric", name)
    if not (isinstance(found, Metric) or callable(found)):
        raise ConfigError(f"Expected the metric {name!r} to be a function or a Metric, got {found!r}.", value=found)
    metric = found if isinstance(found, Metric) else likeness(name, found)
    if version and version != str(metric.version):
        message = f"The metric {name!r} is of version {metric.version} here, got {version!r}."
        raise UnknownName(message, hint=f"Ask for {name}@{metric.version}.", value=text)
    if bool(net) != metric.by_features:
        hint = f"Say {name}:conv-beta." if not net else f"Say {name}."
        raise ConfigError(
            f"{name!r} {'names no' if net else 'needs the name of a'} network of features.", hint=hint, value=text
        )
    return name, net, metric


def former_metrics() -> dict[str, Metric]:
    """Returns the declared metrics by name, as the constant ``METRICS`` of this module had them."""
    return {
        name: found if isinstance(found := find("metric", name), Metric) else likeness(name, found)
        for name in names_of("metric")
    }


__getattr__ = partial(former, __name__)
