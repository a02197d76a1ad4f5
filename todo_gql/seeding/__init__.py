"""Seeding: realistic todos to try things with."""
