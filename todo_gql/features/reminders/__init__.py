"""Reminders of todos, and putting todos off."""
