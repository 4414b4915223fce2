"""Removing what JPEG did."""
