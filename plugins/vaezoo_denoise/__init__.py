"""Denoising, of any noise level."""
