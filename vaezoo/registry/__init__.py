"""The registry: all declared parts, models, weights and other things by name, with their owner and origin.

A registry file (YAML) or a hook declares them. Here are the format of that file and of the cards of weights, and the
lookup of a name that several owners may declare. Nothing declared is imported before it is used.
"""
