"""Measurements: n-gram baselines, copying from the training text, probes of the layers, the records of figures."""
