"""Training: recipes, data sets, the loop and its checkpoints.

``load_recipe`` (`vaezoo.train.recipe`) and ``train`` (`vaezoo.train.loop`) are the two doors. Nothing is imported
here, so that reading a recipe does not load torch.
"""
