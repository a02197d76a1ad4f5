"""Connections to PostgreSQL, its constraints, and migrations."""
