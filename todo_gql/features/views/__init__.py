"""Saved views: filters and orders of todos that a user gave a name."""
