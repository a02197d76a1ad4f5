"""The command that makes a key for push messages."""

import typer

from todo_gql.push.keys import new_key


def vapid_key() -> None:
    """Print a new VAPID_PRIVATE_KEY, which signs push messages; the same for all replicas."""
    typer.echo(new_key())
