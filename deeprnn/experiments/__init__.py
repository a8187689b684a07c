"""The experiments: recipes, and the questions that their runs answer."""
