"""Accounts full of made-up todos."""
