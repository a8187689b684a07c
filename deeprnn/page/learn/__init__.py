"""The view that teaches."""
