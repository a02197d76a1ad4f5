"""How fast todo_gql is, beside a handler without GraphQL and ORM that answers the same bytes."""
