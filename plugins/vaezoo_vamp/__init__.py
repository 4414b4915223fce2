"""The VampPrior: a mixture of the model's own posteriors."""
