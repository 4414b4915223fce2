"""Saving, loading and publishing models.

`saving` writes a model into a folder and reads it again. `loading` opens a model by name or folder. `publish` writes
weights, their card and a page into a folder or a repository of the hub.
"""
