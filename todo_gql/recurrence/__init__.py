"""Recurrence: which days and moments a todo repeats on (RFC 5545, section 3.3.10), without any I/O."""
