"""Refined posteriors: a few steps on log p(x, z) after the encoder, Hamiltonian ones or those of the bound."""
