"""Lighting photos that were taken too dark."""
