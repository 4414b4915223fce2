"""Losses with several importance samples: tighter bounds, and gradients with less variance."""
