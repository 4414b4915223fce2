"""Completes a partial file by fsspec. The store checks hashes and whether the network may be used."""

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
"""Packages that fsspec needs, by scheme."""


def fill(url: str, part: Path, size: int) -> bool:
    """Completes a partial file, starting at its end.

    Args:
        url: URL of any scheme that fsspec knows. The scheme's package finds the credentials.
        part: Path of the partial file. Nobody but the caller may write it.
        size: Final size in bytes.

    Returns:
        Whether the file had content before, so that it is put together from more than one response.

    Raises:
        BackendUnavailable: The scheme's package is not installed.
        SizeMismatch: The file there has another size.
        NetworkError: The file is missing, or cannot be read to its end.
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
    """Returns the first line of an error, which may come from a dozen libraries."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
