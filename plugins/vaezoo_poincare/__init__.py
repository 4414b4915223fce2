"""Latents in the Poincaré ball: wrapped normal posteriors and prior."""
