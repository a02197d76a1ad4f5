"""What people do with todos and accounts, and what becomes of it."""
