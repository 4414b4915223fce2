"""Priors that depend on the condition: p(z|c) instead of p(z)."""
