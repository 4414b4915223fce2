"""Weights from object stores and other places that fsspec can read."""
