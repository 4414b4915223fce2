"""Plugins: how they are found, guarded while they are asked, and kept; hooks, settings, the template of a new one."""
