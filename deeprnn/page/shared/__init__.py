"""What several views share: components, widgets, the look."""
