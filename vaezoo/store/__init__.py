"""Weights on this machine: downloads that resume, sources by URL scheme, and a store that hashes what it reads."""
