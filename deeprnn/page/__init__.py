"""The page: one file a view, and what the views share."""
