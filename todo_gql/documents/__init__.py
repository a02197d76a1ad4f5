"""GraphQL documents before execution: parsing, validation, cost analysis, limits, trusted documents."""
