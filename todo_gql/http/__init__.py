"""GraphQL over HTTP, and what surrounds it."""
