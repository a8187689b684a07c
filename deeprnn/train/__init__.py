"""Training: the loop and the figures of what was trained."""
