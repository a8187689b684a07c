"""The view of the checkpoints: their files and figures."""
