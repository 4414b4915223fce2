"""Removing JPEG artefacts."""
