"""Who asks, and what they may do: tokens, passwords, access and rate limits."""
