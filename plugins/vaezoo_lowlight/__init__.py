"""Brightening photos that were taken too dark."""
