"""Refined posteriors: after the encoder, a few Hamiltonian steps on log p(x, z), or gradient steps on the bound."""
