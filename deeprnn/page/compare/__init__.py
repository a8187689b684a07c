"""The view that compares the texts that models write."""
