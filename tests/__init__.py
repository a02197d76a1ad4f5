"""Tests of the whole, each one operation from end to end."""
