"""A prior that is a second VAE, on the latents of the first."""
