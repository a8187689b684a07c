"""What a model is measured by: n-grams, what it copies, what its layers do."""
