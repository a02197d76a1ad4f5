"""The shared parts of the GraphQL API: errors, scalars, nodes, text rules, keysets, connections."""
