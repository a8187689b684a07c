"""The view that compares what models write."""
