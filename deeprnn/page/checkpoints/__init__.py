"""The view of the models as files."""
