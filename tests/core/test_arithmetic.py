"""Memory that is freed is kept, where the C library can be told to."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FREE = """
import ctypes, torch
from vaezoo.core.machine.arithmetic import keep_freed_memory

class Heap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd usm fsm used free top".split()]

heap = ctypes.CDLL(None).mallinfo2
heap.restype = Heap
torch.set_num_threads(1)
keep_freed_memory()
for _ in range(3):
    blocks = [torch.ones(2**18) for _ in range(48)]
    del blocks
print(heap().free // 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries free memory in other ways")
def test_freed_memory_is_kept() -> None:
    """Without the call it is kept in some processes alone: in those that freed a large block before."""
    done = subprocess.run([sys.executable, "-c", FREE], check=True, capture_output=True, text=True)
    assert int(done.stdout) >= 45
