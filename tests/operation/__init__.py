"""What belongs to one operation: loaders, look-ahead, limits of credentials."""
