"""Weights from object stores and other places that fsspec reaches."""
