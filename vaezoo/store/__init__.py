"""The store of downloaded weights: sources by URL scheme, downloads that resume, and a cache checked by hash."""
