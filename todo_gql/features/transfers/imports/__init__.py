"""Storing what readers find in a file."""
