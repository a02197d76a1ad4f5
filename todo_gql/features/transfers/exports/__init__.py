"""Exports: what is a person's own, as files."""
