"""Accounts: registering, signing in and out, and what a user is."""
