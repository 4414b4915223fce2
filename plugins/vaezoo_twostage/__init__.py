"""A second VAE for a prior: on the latents of the first."""
