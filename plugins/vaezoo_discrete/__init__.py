"""Categorical latents, relaxed or straight-through, alone and beside Gaussian ones."""
