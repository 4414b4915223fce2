"""What is registered: parts, models and cards of weights, each with its owner and where it was declared."""
