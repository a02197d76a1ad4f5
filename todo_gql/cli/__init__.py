"""The commands of `todo-gql`, and what all of them run in."""
