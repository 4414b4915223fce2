"""Learned peers, written here from their papers; their weights are the user's, in a folder of ``$VAEZOO_PEERS``.

Networks and the reading of their files; which of them restores what is in `benchmarks.learned`. No weights are shipped,
and none are downloaded.
"""
