"""Named models for each likelihood that the house knows; the parts are others'."""
