"""A trained network as a language model: it generates and scores texts, many at once."""
