"""The view that scores a text."""
