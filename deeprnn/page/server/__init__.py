"""How the page is served: limits, languages, sessions, downloads, endpoints, shutdown."""
