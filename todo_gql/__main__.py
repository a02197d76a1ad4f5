"""Lets `python -m todo_gql` run the command line."""

from todo_gql.cli.main import main

main()
