"""Browsers that a person's notifications are pushed to."""
