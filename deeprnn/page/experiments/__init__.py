"""The view of the experiments' answers."""
