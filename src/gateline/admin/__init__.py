"""The Admin API and the status API: Kong's paths, verbs, texts and shapes, as a Starlette application."""
