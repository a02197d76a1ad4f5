"""GraphQL documents before they are executed: how they are read, and what limits them."""
