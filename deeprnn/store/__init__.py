"""Checkpoints on disk and on the Hub, the experiments' results, and the registry of loaded models."""
