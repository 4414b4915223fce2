"""Explains models without training them: all their settings with origins, their cost, and where code and weights are.

`explanation` returns a model as a tree. `cost` counts its parameters and multiply-accumulates. `equivalent` writes the
Python that builds it. `origins` finds the files of its code and weights.
"""
