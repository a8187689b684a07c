"""Texts: the catalogue and its download, alphabets, parts, batches."""
