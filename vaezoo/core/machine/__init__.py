"""The machine under a model: devices, optional libraries, and the precision and memory of computations."""
