"""Counts of todos."""
