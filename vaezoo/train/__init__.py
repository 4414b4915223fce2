"""Training: recipes, data sources, damages, the training loop and its checkpoints.

`vaezoo.train.recipe.load_recipe` reads a recipe, which holds all settings of a run. `vaezoo.train.loop.train` trains by
it, and writes weights, a checkpoint and a record into the run's folder. Nothing is imported here, so that reading a
recipe does not load torch.
"""
