"""Training one model by several processes. Their gradients are averaged explicitly, over gloo or NCCL.

`DistributedDataParallel` is not used: with several phases it would search for unused parameters at every step, and the
decision to skip a bad step must be shared anyway.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import final

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from vaezoo.core.machine.device import find_device
from vaezoo.errors import ConfigError

_JOINED = count()
"""Number of times that this process joined others."""


@final
@dataclass(frozen=True)
class Ranks:
    """This process among all processes of the run."""

    rank: int
    world: int
    device: torch.device

    def rows(self, batch: int, pieces: int) -> list[range]:
        """Returns this process's rows of a batch, in equal pieces.

        Raises:
            ConfigError: The batch cannot be divided equally.
        """
        size, rest = divmod(batch, self.world * pieces)
        if rest:
            message = f"A batch of {batch} cannot be divided among {self.world} processes x {pieces} pieces."
            raise ConfigError(message, hint="Change batch or accumulate.", value=batch)
        first = self.rank * pieces * size
        return [range(first + i * size, first + (i + 1) * size) for i in range(pieces)]

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors of one dtype by their means over all processes, in one message."""
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.world
        for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(mean.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """Says whether the flag is set in any process."""
        if self.world == 1:
            return flag
        votes = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(votes)
        return bool(votes > 0)


@contextmanager
def join_ranks(device: str) -> Iterator[Ranks]:
    """Context manager that joins the processes started by torchrun, if any, and leaves them at the end.

    Args:
        device: Device, as in a recipe: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        ConfigError: The device does not exist.
    """
    found = "cuda" if torch.cuda.is_available() else "cpu"
    chosen = find_device(found if device == "auto" else device, runs=True)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(chosen)
    store, rank, world = next(rendezvous("env://"))
    # A new name each time: the store still has the addresses of the last group, where nobody answers.
    store = dist.PrefixStore(f"vaezoo-{next(_JOINED)}", store)
    backend = "nccl" if chosen.type == "cuda" else "gloo"
    dist.init_process_group(backend, store=store, rank=rank, world_size=world)
    try:
        yield Ranks(dist.get_rank(), world, chosen)
        dist.barrier()  # waits for the others: a process left alone in a collective aborts at exit
    finally:
        dist.destroy_process_group()
