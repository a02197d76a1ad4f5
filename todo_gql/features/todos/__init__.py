"""Todos and their tags."""
