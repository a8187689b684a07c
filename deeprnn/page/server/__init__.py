"""How the page is served: limits, sessions, downloads, endpoints, the end."""
