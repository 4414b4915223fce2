"""Releasing weights: measures them, writes their card, and calibrates their predicted errors."""
