"""Denoising at any noise level."""
