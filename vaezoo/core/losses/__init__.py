"""Losses: what training minimises.

Here are the interface of a loss, the negative evidence lower bound, the loss for restoration, and `Objective`, a model
and its loss in one module.
"""
