"""The call that measures several metrics by name."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaezoo.core import VAE
from vaezoo.core.machine.arithmetic import check_precision
from vaezoo.core.shapes import check_image
from vaezoo.errors import ConfigError, UnknownName
from vaezoo.evaluate.data import Data, Features, Trial, evaluating
from vaezoo.evaluate.metrics import Metric, likeness
from vaezoo.host.kinds import find

WITH = {"factors": "factors", "labels": "mnist"}
"""A set that has what a metric may need."""


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
        model: Used in evaluation mode and left in the mode it came in.
        data: Images (N, C, H, W) in [0, 1], or those with their labels or factors.
        metrics: Names as in ``vaezoo list --kind metrics``, such as ``mig``, or ``mig@1`` for one version alone;
            ``fid:NET`` and ``kid:NET`` name a model whose posterior means are the features, with its weights, or what
            ``features`` is.
        samples: Importance samples an image, for ``nll``.
        batch: At most so many images at once.
        seed: Of all draws: the same arguments give the same numbers.
        max_mib: Bound on what the networks put out at once, MiB; rows are chunked to it.
        features: From images to features (B, D), for ``fid`` and ``kid``.
        precision: Of the networks for ``nll``: ``"fp32"``, or ``"bf16"`` for less time where the processor can, with
            other last digits; all other metrics are always in fp32.

    Returns:
        Values by ``NAME@VERSION``, or ``NAME@VERSION.FIELD`` where a metric has several.

    Raises:
        UnknownName: A metric, or a version of it, that is none.
        ConfigError: The data lack what a metric needs, a number is not possible, or the precision is none.
        NotNormalised: A likelihood or an information was asked of what is no density.
        ShapeError: The model cannot take the images.
    """
    data = data if isinstance(data, Data) else Data(data)
    if len(data.images) < 2 or batch < 1 or samples < 1:
        came = f"{len(data.images)} images, batch={batch}, samples={samples}"
        raise ConfigError(f"Expected two images or more, batch >= 1 and samples >= 1, got {came}.", value=came)
    if not isinstance(model, VAE):
        raise ConfigError(f"Expected a model, got {model!r}.", hint="Make it by vaezoo.create.", value=model)
    if isinstance(metrics, str):
        raise ConfigError(f"Expected a list of metrics, got {metrics!r}.", hint=f"Say [{metrics!r}].", value=metrics)
    found = [(*find_metric(name), data) for name in metrics]
    for name, _, metric, _ in found:
        if metric.needs and getattr(data, metric.needs) is None:
            message = f"The metric {name!r} needs {metric.needs} of the images, and there are none."
            known = WITH.get(metric.needs)
            hint = f"Take a set that has them{f': --data {known}' if known else ''}."
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
    """Returns a metric's name, its feature network or nothing, and the metric.

    Raises:
        UnknownName: There is no such metric, or not in that version.
        VaezooError: As `vaezoo.host.kinds.find`.
        ConfigError: What is declared under the name is no metric; or a distance of sets names no network, or another
            metric names one.
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
