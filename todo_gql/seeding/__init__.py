"""Todos to try things with, as many as one likes."""
