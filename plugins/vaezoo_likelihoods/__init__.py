"""A named model for each likelihood of vaezoo. The parts are those of other plugins."""
