"""Registering, signing in, and what users and administrators do with accounts."""
