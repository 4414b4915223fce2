"""``python -m benchmarks.bombs``: CPU time and memory that small files take which unpack to gigabytes.

Each file is made here and read in a process of its own, by the call that a command would make. Prints a table; the
figures of ``docs/security.md`` are of two runs, before and after the budgets.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

MEMORY = 10 * 2**30
"""Bytes of address space of a process that reads."""
READERS = {
    "picture": "from vaezoo.image import read_picture; read_picture(path)",
    "project": "from vaezoo.image import read_quantised; read_quantised(path)",
    "folder": "from pathlib import Path; from vaezoo.data.pictures import read_pictures; read_pictures(Path(path))",
    "weights": "from pathlib import Path; from vaezoo.zoo.weights import read_tensors; "
    "read_tensors(Path(path).read_bytes(), path)",
}
_IMPORTS = (
    "import numpy, torch, pyvips, PIL.Image, PIL.ImageSequence, safetensors.torch, vaezoo.zoo.weights, vaezoo.image"
)


def main(names: Sequence[str]) -> None:
    """Makes the files, reads them and prints the table; all files where none is named."""
    print("| file | size | read as | CPU | memory | answer |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in names or BOMBS:
            make, reader = BOMBS[name]
            make(path := Path(folder, name))
            print(row(path, reader), flush=True)
            path.unlink()


def row(path: Path, reader: str) -> str:
    """Returns the line of a file: its size, the CPU seconds and MiB that reading it took, and what came of it."""
    base = measured("pass", path)
    found = measured(READERS[reader], path)
    cells = (
        f"`{path.name}`",
        f"{path.stat().st_size / 1e6:.1f} MB",
        reader,
        f"{found['seconds']:.1f} s",
        f"{max(0.0, found['mib'] - base['mib']):.0f} MiB",
        found["answer"].replace(str(path.parent) + "/", "")[:70],
    )
    return f"| {' | '.join(cells)} |"


def measured(code: str, path: Path) -> dict[str, float | str]:
    """Runs a line in a process of its own, after the imports, and returns what it took."""
    script = f"""
import json, resource, sys, time
{_IMPORTS}
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
path, begin, answer = sys.argv[1], time.process_time(), "read"
try:
    {code}
except BaseException as error:
    answer = type(error).__name__
seconds = time.process_time() - begin
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, answer]))
"""
    try:
        done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=900)
        seconds, mib, answer = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        seconds, mib, answer = float("nan"), float("nan"), "no end"
    except (IndexError, ValueError):
        seconds, mib, answer = float("nan"), float("nan"), f"killed, {done.returncode}"
    return {"seconds": seconds, "mib": mib, "answer": answer}


def tiff(path: Path) -> None:
    """Writes a TIFF file of 2^28 pixels of 16 bits with alpha, all black."""
    import pyvips

    black = pyvips.Image.black(2**14, 2**14, bands=4).cast("ushort").copy(interpretation="rgb16")
    black.tiffsave(str(path), compression="deflate")


def text(path: Path) -> None:
    """Writes a PNG file of one pixel whose 50 compressed texts unpack to 40 MB each."""
    packed = zeros(4 * 10**7)
    chunk(path, *((b"zTXt", f"text {i}".encode() + b"\0\0" + packed) for i in range(50)))


def profile(path: Path) -> None:
    """Writes a PNG file of one pixel whose colour profile unpacks to 2 GB."""
    chunk(path, (b"iCCP", b"icc\0\0" + zeros(2 * 10**9)))


def jpeg(path: Path) -> None:
    """Writes a grey JPEG file of 2^28 pixels."""
    import pyvips

    black = pyvips.Image.black(2**14, 2**14, bands=3).copy(interpretation="srgb")
    black.jpegsave(str(path), Q=50, optimize_coding=True)


def archive(path: Path) -> None:
    """Writes a zip with a file of 3 GB of zeros that is called an image."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("a.png", "w", force_zip64=True) as member:
        member.write(b"\x89PNG\r\n\x1a\n")
        for _ in range(3000):
            member.write(bytes(10**6))


def pictures(path: Path) -> None:
    """Writes a zip of 25 black images of 100 megapixels each, 7.5 GB in memory."""
    import pyvips

    content = pyvips.Image.black(10**4, 10**4, bands=3).copy(interpretation="srgb").pngsave_buffer(compression=9)
    with zipfile.ZipFile(path, "w") as file:
        for i in range(25):
            file.writestr(f"{i}.png", content)


def svg(path: Path) -> None:
    """Writes an SVG file of 22 MB under the name of a PNG."""
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg">' + '<g><path d="M0 0"/></g>' * 950_000 + "</svg>")


def header(path: Path) -> None:
    """Writes a safetensors file of 20 000 tensors without values, one of them twice."""
    names = [*map(str, range(20000)), "0"]
    told = ",".join(f'"{name}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}' for name in names)
    path.write_bytes(struct.pack("<Q", len(told) + 2) + b"{" + told.encode() + b"}")


def chunk(path: Path, *chunks: tuple[bytes, bytes]) -> None:
    """Writes a PNG file of one pixel with chunks behind its header."""
    import pyvips

    png = pyvips.Image.black(1, 1).pngsave_buffer()
    whole = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    path.write_bytes(png[:33] + whole + png[33:])


def zeros(count: int) -> bytes:
    """Returns so many zeros, compressed."""
    packer, packed = zlib.compressobj(9), io.BytesIO()
    for _ in range(count // 10**6):
        packed.write(packer.compress(bytes(10**6)))
    return packed.getvalue() + packer.flush()


BOMBS: dict[str, tuple[Callable[[Path], None], str]] = {
    "deep.tif": (tiff, "picture"),
    "text.png": (text, "picture"),
    "profile.png": (profile, "picture"),
    "vector.png": (svg, "picture"),
    "large.jpg": (jpeg, "project"),
    "member.zip": (archive, "folder"),
    "pictures.zip": (pictures, "folder"),
    "twice.safetensors": (header, "weights"),
}

if __name__ == "__main__":
    main(sys.argv[1:])
