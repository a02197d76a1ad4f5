"""What is measured, and never asserted in tests."""
