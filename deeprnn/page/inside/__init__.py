"""The view of what each layer does."""
