"""The view that shows what each layer does."""
