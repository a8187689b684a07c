"""The view of the questions and their answers."""
