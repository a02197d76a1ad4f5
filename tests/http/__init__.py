"""Requests to the application, and its responses."""
