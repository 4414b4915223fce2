"""The losses of the β-VAE papers."""
