"""Histories, the feed of changes, and subscriptions to it."""
