"""Codebook priors: quantising is inferring under a prior over codes."""
