"""The experiments: recipes, and what their runs answer."""
