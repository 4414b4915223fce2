"""Autoencoders without a rate: reconstruction, with penalties on latents or networks."""
