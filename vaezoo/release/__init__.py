"""Releasing weights: measuring them, writing their card, and calibrating what they state of their errors."""
