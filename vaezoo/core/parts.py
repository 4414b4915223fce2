"""Checks that built parts can be joined to a model."""

from __future__ import annotations

from vaezoo.core.conditioner import Conditioner
from vaezoo.core.decoder import Decoder
from vaezoo.core.encoder import Encoder
from vaezoo.errors import ConfigError, IncompatibleParts


def check_parts(
    encoder: Encoder | None, decoder: Decoder, conditioner: Conditioner | None, encodes: str
) -> tuple[int, int] | None:
    """Returns the only size (H, W) that the parts support; None if they support any.

    Raises:
        ConfigError: ``encodes`` is neither ``input`` nor ``target``.
        IncompatibleParts: The parts cannot work together.
    """
    if encodes not in ("input", "target"):
        raise ConfigError(f"Expected encodes to be 'input' or 'target', got {encodes!r}.", value=encodes)
    if encodes == "target" and conditioner is None:
        raise IncompatibleParts("Encoding the target needs a conditioner to see the input.", value=encodes)
    if encoder is None and encodes == "input":
        raise IncompatibleParts("A model that encodes its input needs an encoder.", value=encodes)
    parts = [part for part in (encoder, decoder, conditioner) if part is not None]
    channels = {part.channels for part in parts if part.channels is not None}
    sizes = {part.size for part in (encoder, decoder) if part is not None and part.size is not None}
    if len(channels) > 1 or len(sizes) > 1:
        message = f"The parts disagree on channels {sorted(channels)} or size {sorted(sizes)}."
        raise IncompatibleParts(message, value=(channels, sizes))
    return sizes.pop() if sizes else None
