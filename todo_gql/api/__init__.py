"""What all features build their part of the GraphQL API with: errors, scalars, nodes and pages."""
