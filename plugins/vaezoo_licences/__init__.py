"""Restricts weights to the licences that the user accepts."""
