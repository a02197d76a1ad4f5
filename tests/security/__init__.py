"""Tokens, sessions, passwords and rate limits."""
