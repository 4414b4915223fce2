"""What this plugin tells the zoo. Imports neither torch nor fsspec."""

from __future__ import annotations

from vaezoo import hookimpl

VAEZOO_API = 1
SCHEMES = ("abfs", "adl", "az", "gcs", "gs", "hdfs", "memory", "oci", "oss", "s3", "s3a", "sftp", "smb")


@hookimpl
def vaezoo_weight_sources() -> dict[str, str]:
    """Returns the schemes that fsspec reads, each with an own package where it needs one."""
    return dict.fromkeys(SCHEMES, "vaezoo_fsspec.source:fill")
