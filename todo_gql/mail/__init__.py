"""Mail: what it looks like, and how it gets out."""
