"""Completes a partial file through fsspec. Whether the network may be used, and hashes, are the store's business."""

from __future__ import annotations

from pathlib import Path

from vaezoo.errors import BackendUnavailable, NetworkError, SizeMismatch

CHUNK = 2**20
PACKAGES = {
    "abfs": "adlfs",
    "adl": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hdfs": "pyarrow",
    "oci": "ocifs",
    "oss": "ossfs",
    "s3": "s3fs",
    "s3a": "s3fs",
    "sftp": "paramiko",
    "smb": "smbprotocol",
}
"""What fsspec needs beside itself, by scheme."""


def fill(url: str, part: Path, size: int) -> bool:
    """Completes a partial file from where it ends.

    Args:
        url: Of any scheme that fsspec knows; credentials are found as the scheme's package finds them.
        part: The file; its writer is the caller alone.
        size: What it must grow to, in bytes.

    Returns:
        Whether something was in it before, so that it comes from more than one answer.

    Raises:
        BackendUnavailable: The scheme's package is not installed.
        SizeMismatch: The file there has another size.
        NetworkError: It is not there, or cannot be read to its end.
    """
    scheme = url.partition("://")[0]
    package = PACKAGES.get(scheme, "fsspec")
    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except ImportError as error:
        raise BackendUnavailable(f"{scheme}:// needs {package}: pip install {package}", value=url) from error
    except Exception as error:  # credentials and endpoints are looked for here, by any of a dozen libraries
        raise NetworkError(_said(error), value=url) from error
    done = part.stat().st_size
    if done > size:
        part.write_bytes(b"")
        done = 0
    try:
        there = int(system.info(path)["size"])
        if there != size:
            raise SizeMismatch(f"{there} bytes where {size} were expected", value=url)
        with part.open("ab") as file, system.open(path, "rb") as source:
            source.seek(done)
            while chunk := source.read(CHUNK):
                file.write(chunk)
    except SizeMismatch:
        raise
    except Exception as error:
        raise NetworkError(_said(error), value=url) from error
    if part.stat().st_size != size:
        raise NetworkError(f"it ended after {part.stat().st_size} of {size} bytes", value=url)
    return done > 0


def _said(error: Exception) -> str:
    """Returns the first line of an error that may have come from a dozen libraries."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
