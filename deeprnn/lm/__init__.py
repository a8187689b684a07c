"""A trained network as a language model: writing and reading texts, many at once."""
