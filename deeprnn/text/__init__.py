"""Texts: the catalogue and its download, vocabularies, splits, batches."""
