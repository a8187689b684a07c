"""What several views share: components, widgets, charts, styles, scripts."""
