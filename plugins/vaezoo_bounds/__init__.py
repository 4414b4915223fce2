"""Losses from several importance samples: tighter bounds, and better gradients of them."""
