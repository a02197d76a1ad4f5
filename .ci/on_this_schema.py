"""Runs an earlier checkout's tests on a PostgreSQL whose new databases have this one's schema."""

import asyncio
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from todo_gql.database import migrations
from todo_gql.database.tortoise_backend import connect, disconnect
from todo_gql.embedded_postgres.cluster import EmbeddedPostgres
from todo_gql.settings import Settings

AT_ONCE = ("--numprocesses=2", "--dist=loadfile")
# pytest's exit status where tests ran, and some failed.
TESTS_FAILED = 1
# What looks at how that version makes its own tables, or needs none: by the marker that such tests
# have, and by name in the version that stands for the first release, which had no marker yet.
LEFT_OUT = (
    "-m=not slow and not own_schema",
    # The version that stands for the first release doesn't know the marker own_schema.
    "-o=strict_markers=false",
    "--ignore=tests/artefacts",
    "--ignore=tests/test_constraints.py",
    "--ignore=tests/test_embedded.py",
    "--ignore=tests/test_graphiql.py",
    "--ignore=tests/test_migrations.py",
    "--ignore=tests/test_package.py",
    "--deselect=tests/test_cli.py::test_database_without_tables_is_not_used",
    # New databases lack the indexes that only older ones keep, for that version's searches and counts.
    "--deselect=tests/test_plans.py::test_a_rare_word_is_found_by_the_index_of_texts",
    "--deselect=tests/test_plans.py::test_overdue_is_counted_from_an_index_alone",
    "--deselect=tests/test_metrics.py::test_queue_of_jobs_is_read_from_the_database",
    "--deselect=tests/test_serve.py::test_given_database_is_used_and_migrated_when_told",
    "--deselect=tests/test_worker_process.py::test_database_without_tables_is_told",
    "--deselect=tests/test_worker_process.py::test_signal_during_the_start",
)


async def migrate_template(url: str) -> None:
    """Give the tables to the template of all new databases, and so to those that the tests make."""
    await connect(url.replace("/todo_gql?", "/template1?"), Settings(_env_file=None))
    for name in await migrations.migrate():
        sys.stdout.write(f"Applied the migration {name}.\n")
    await disconnect()


def main(checkout: Path, arguments: list[str]) -> int:
    """Run the tests and give their exit status."""
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder, "data"), durable=False) as url,
    ):
        asyncio.run(migrate_template(url))
        tests = [str(checkout / ".venv/bin/pytest"), *LEFT_OUT, *arguments]
        environment = os.environ | {"TEST_DATABASE_URL": url}
        run = partial(subprocess.run, cwd=checkout, env=environment, check=False)
        status = run([*tests, *AT_ONCE]).returncode
        # Races in a release's own tests can't be mended any more; what the schema breaks fails again.
        return run([*tests, "--last-failed"]).returncode if status == TESTS_FAILED else status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
