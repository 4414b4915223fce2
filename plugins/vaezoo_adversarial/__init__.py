"""Losses that own a critic, which learns beside the model and is no part of it."""
