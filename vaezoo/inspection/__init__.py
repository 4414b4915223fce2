"""What can be said of a model without training it: every value and its origin, what it costs, where its weights are."""
