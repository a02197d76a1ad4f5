"""What lives as long as one GraphQL operation: its context, loaders and look-ahead."""
