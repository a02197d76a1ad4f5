"""The way to the mail server."""
