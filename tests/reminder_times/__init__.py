"""When reminders fire."""
