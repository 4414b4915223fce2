"""What all code of a process shares, such as the warnings filters: put back after a stranger's code has run.

A plugin can change more than what is put back here, such as functions of other modules. docs/reliability.md says what
no guard holds.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from vaezoo.registry.entries import HOUSE, USER


class _Shared(NamedTuple):
    """Something that all code of a process shares.

    Attributes:
        name: Name, for messages.
        module: Name of the module that has it. Nothing is read before somebody has imported that.
        read: Function from the module to the present value.
        put: Function that puts a value back. It takes the module and the value.
        draws: Whether it is a random generator.
        fresh: Value in a module that was just imported. None if it need not be put back then.
    """

    name: str
    module: str
    read: Callable[[Any], Any]
    put: Callable[[Any, Any], object]
    draws: bool = False
    fresh: Any = None


def _put_filters(module: Any, value: tuple[Any, ...]) -> None:
    warnings.showwarning = value[0]
    warnings.filters[:] = [*_narrow(value[1:]), *value[1:]]  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]  # so that Python asks the filters again


def _narrow(former: tuple[Any, ...]) -> list[Any]:
    """Returns the new filters that concern one message, one module or a library's own category of warnings."""
    new = [each for each in warnings.filters if each not in former]
    return [each for each in new if each[1] or each[3] or each[2].__module__ != "builtins"]


def _read_filters(module: Any) -> tuple[Any, ...]:
    return (warnings.showwarning, *warnings.filters)


def _folder(module: Any) -> str | None:
    with suppress(OSError):  # it may have been removed
        return os.getcwd()
    return None


def _put_handlers(module: Any, value: tuple[Any, ...]) -> None:
    if threading.current_thread() is threading.main_thread():  # no other can set them
        for number, handler in zip(_SIGNALS, value, strict=True):
            signal.signal(number, handler)


def _numpy_state(random: Any) -> tuple[Any, ...]:
    name, key, *rest = random.get_state()
    return (name, key.tobytes(), *rest)


def _put_numpy_state(random: Any, value: tuple[Any, ...]) -> None:
    numpy = sys.modules["numpy"]
    random.set_state((value[0], numpy.frombuffer(value[1], numpy.uint32), *value[2:]))


def _torch_state(torch: Any) -> bytes:
    state: bytes = torch.get_rng_state().numpy().tobytes()
    return state


def _put_torch_state(torch: Any, value: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(value), dtype=torch.uint8))


def _dtype(torch: Any) -> str:
    return str(torch.get_default_dtype()).rpartition(".")[2]


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHARED = (
    _Shared("the recursion limit", "sys", lambda sys: sys.getrecursionlimit(), lambda sys, n: sys.setrecursionlimit(n)),
    _Shared("the warnings filters", "warnings", _read_filters, _put_filters),
    _Shared("the working folder", "os", _folder, lambda os, path: os.chdir(path)),
    _Shared("the handlers of signals", "signal", lambda _: tuple(map(signal.getsignal, _SIGNALS)), _put_handlers),
    _Shared("torch's default dtype", "torch", _dtype, lambda t, n: t.set_default_dtype(getattr(t, n)), fresh="float32"),
    _Shared(
        "torch's grad mode", "torch", lambda t: t.is_grad_enabled(), lambda t, on: t.set_grad_enabled(on), fresh=True
    ),
    _Shared(
        "Python's random generator", "random", lambda r: r.getstate(), lambda r, state: r.setstate(state), draws=True
    ),
    _Shared("NumPy's random generator", "numpy.random", _numpy_state, _put_numpy_state, draws=True),
    _Shared("torch's random generator", "torch", _torch_state, _put_torch_state, draws=True),
)


def is_stranger(owner: str) -> bool:
    """Says whether an owner is none of vaezoo's own plugins."""
    return owner.partition(":")[0] != HOUSE


@contextmanager
def undisturbed(owner: str, *, draws: bool = False) -> Iterator[None]:
    """Context manager for the code of an owner. It puts back what a stranger's code changes, and warns with its name.

    Args:
        owner: Plugin whose code runs inside.
        draws: Whether it may draw from the global random generators; see `put_back`.
    """
    if not is_stranger(owner) or owner == USER:  # a program may change its own process
        yield
        return
    changed: list[str] = []
    try:
        with put_back(draws=draws) as changed:
            yield
    finally:
        if changed:
            warnings.warn(
                f"vaezoo: the plugin {owner} changes {', '.join(changed)} for everybody, which was put back",
                stacklevel=4,
            )


@contextmanager
def put_back(*, draws: bool = False) -> Iterator[list[str]]:
    """Context manager that afterwards puts back what the code inside has changed for the whole process.

    These are the recursion limit, the warnings filters that concern everybody, the working folder, the handlers of
    SIGINT and SIGTERM, torch's default dtype and grad mode, and the global random generators.

    Args:
        draws: Whether the code inside may draw from the global random generators, which then stay as it left them.

    Yields:
        Names of what was changed. The list is filled when the context ends.
    """
    before = {each: _value(each) for each in _SHARED if not (draws and each.draws)}
    changed: list[str] = []
    try:
        yield changed
    finally:
        for each, value in before.items():
            with suppress(Exception):  # a stranger may have broken the module itself
                if value is not None and _value(each) != value:
                    left = _value(each)
                    each.put(sys.modules[each.module], value)
                    changed += [each.name] if _value(each) != left else []


def _value(each: _Shared) -> Any:
    module = sys.modules.get(each.module)
    if module is None:
        return each.fresh
    with suppress(Exception):  # such as a torch that is half imported
        return each.read(module)
    return None
