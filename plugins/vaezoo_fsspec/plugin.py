"""Hooks of this plugin. Imports neither torch nor fsspec."""

from __future__ import annotations

from vaezoo import hookimpl

VAEZOO_API = 1
SCHEMES = ("abfs", "adl", "az", "gcs", "gs", "hdfs", "memory", "oci", "oss", "s3", "s3a", "sftp", "smb")


@hookimpl
def vaezoo_weight_sources() -> dict[str, str]:
    """Returns the URL schemes that fsspec reads."""
    return dict.fromkeys(SCHEMES, "vaezoo_fsspec.source:fill")
