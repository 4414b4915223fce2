"""Priors that the condition moves: p(z|c) instead of p(z)."""
