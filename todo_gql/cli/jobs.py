"""The commands for jobs that failed for good, unsent mails and pushes, and reminders that wait."""

from functools import partial
from typing import Annotated

import typer

from todo_gql.cli.configuration import load_settings
from todo_gql.cli.runtime import database, fail, prepare, run_connected
from todo_gql.database.models import NotificationMailKind
from todo_gql.features.notifications.email.sending import KINDS, WAITING, unsent_mails
from todo_gql.features.push.failures import push_failures
from todo_gql.jobs import queue
from todo_gql.reminder_times.due import due_reminders

SHOWN = 1_000
MAX_ID = 2**63 - 1

jobs = typer.Typer(
    help="List and retry the jobs that failed for good; list late reminders, and mails and pushes that weren't sent.",
    no_args_is_help=True,
)


@jobs.command()
def failed() -> None:
    """List the newest 1,000 jobs that failed for good, and why."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        failed_jobs = run_connected(settings, url, partial(queue.dead_letters, limit=SHOWN + 1))
    for job, reason in failed_jobs[:SHOWN]:
        about = " ".join(f"{name}={value}" for name, value in queue.payload_of(job).items())
        typer.echo(f"{job.id}  {job.created:%Y-%m-%d %H:%M}  {job.entrypoint}  {about}\n  {reason}")
    if not failed_jobs:
        typer.echo("No job has failed for good.")
    if len(failed_jobs) > SHOWN:
        typer.echo(f"There are more; these are the newest {SHOWN:,}.")


@jobs.command()
def reminders() -> None:
    """List the reminders that are due and haven't fired, and how late they are."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        due = run_connected(settings, url, partial(due_reminders, SHOWN + 1))
    for row in due[:SHOWN]:
        typer.echo(
            f"{row['id']}  {row['fires_at']:%Y-%m-%d %H:%M:%S}  {row['late'].total_seconds():,.0f} s late"
            f"  owner_id={row['owner_id']} todo_id={row['todo_id']}"
        )
    if not due:
        typer.echo("No reminder is due.")
    if len(due) > SHOWN:
        typer.echo(f"There are more; these are the earliest {SHOWN:,}.")


@jobs.command()
def unsent() -> None:
    """List the newest 1,000 mails of notifications that weren't sent, and why."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        mails = run_connected(settings, url, partial(unsent_mails, SHOWN + 1))
    for mail in mails[:SHOWN]:
        kind = KINDS[NotificationMailKind(mail["kind"])]
        reason = mail["unsent_reason"] or WAITING
        about = f"owner_id={mail['owner_id']} mail_id={mail['id']}"
        typer.echo(f"{mail['created_at']:%Y-%m-%d %H:%M}  {kind}  {about}\n  {reason}")
    if not mails:
        typer.echo("All mails of notifications were sent.")
    if len(mails) > SHOWN:
        typer.echo(f"There are more; these are the newest {SHOWN:,}.")


@jobs.command()
def pushes() -> None:
    """List the newest 1,000 browsers whose last push wasn't accepted, and why."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        failures = run_connected(settings, url, partial(push_failures, SHOWN + 1))
    for row in failures[:SHOWN]:
        about = f"owner_id={row['owner_id']} push_subscription_id={row['id']}"
        typer.echo(f"{row['created_at']:%Y-%m-%d %H:%M}  {row['origin']}  {about}")
        typer.echo(f"  {row['last_error']}")
    if not failures:
        typer.echo("No browser's last push failed.")
    if len(failures) > SHOWN:
        typer.echo(f"There are more; these are the newest {SHOWN:,}.")


@jobs.command()
def retry(
    ids: Annotated[
        list[int] | None,
        typer.Argument(help="The ids of the jobs; all if left out.", min=0, max=MAX_ID),
    ] = None,
) -> None:
    """Put jobs that failed for good back into the queue."""
    settings = load_settings()
    with database(settings) as url:
        prepare(settings, url)
        matching = partial(queue.dead_letters, ids or None)
        failed_jobs = [job for job, _ in run_connected(settings, url, matching)]
        if unknown := set(ids or ()) - {job.id for job in failed_jobs}:
            fail(f"No failed job has this id: {', '.join(map(str, sorted(unknown)))}.")
        expired = [job.id for job in failed_jobs if queue.is_expired(job)]
        retried = [job.id for job in failed_jobs if not queue.is_expired(job)]
        run_connected(settings, url, partial(queue.requeue, retried))
    for number in expired:
        typer.echo(f"Job {number} is not retried: {queue.LinkExpired()}.")
    jobs_again = "1 job" if len(retried) == 1 else f"{len(retried):,} jobs"
    typer.echo(f"{jobs_again} will be retried.")
