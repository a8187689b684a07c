"""The view that explains how a recurrent stack works."""
