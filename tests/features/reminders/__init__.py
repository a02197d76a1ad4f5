"""Reminders: adding them, when they fire, and the worker that tells people."""
