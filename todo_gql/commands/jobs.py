"""The commands for jobs that were set aside."""

from functools import partial
from typing import Annotated

import typer

from todo_gql import jobs as queue
from todo_gql.commands.environment import database, fail, load_settings, prepare, run_connected

jobs = typer.Typer(
    help="See the jobs that failed eight times, and have them tried again.", no_args_is_help=True
)


@jobs.command()
def failed() -> None:
    """List the jobs that were set aside, the newest first, and why."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        found = run_connected(settings, url, queue.set_aside)
    for job, reason in found:
        about = " ".join(f"{name}={value}" for name, value in queue.payload_of(job).items())
        typer.echo(f"{job.id}  {job.created:%Y-%m-%d %H:%M}  {job.entrypoint}  {about}\n  {reason}")
    if not found:
        typer.echo("No job was set aside.")


@jobs.command()
def retry(
    ids: Annotated[
        list[int] | None, typer.Argument(help="Which ones; all if none is named.")
    ] = None,
) -> None:
    """Put jobs that were set aside back into the queue."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        found = [job.id for job, _ in run_connected(settings, url, queue.set_aside)]
        chosen = [id for id in found if not ids or id in ids]
        if unknown := set(ids or ()) - set(found):
            fail(f"No job of that number was set aside: {', '.join(map(str, sorted(unknown)))}.")
        run_connected(settings, url, partial(queue.try_again, chosen))
    typer.echo(f"{len(chosen)} jobs will be tried again.")
