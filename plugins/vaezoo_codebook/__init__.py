"""Codebook priors: quantisation as inference under a prior over codes."""
