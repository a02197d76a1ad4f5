"""The rules that the database itself holds: what models and migrations name is really there."""

import asyncio
import re
from collections.abc import Iterator
from importlib import import_module, invalidate_caches
from inspect import getmembers, isclass
from pathlib import Path

import asyncpg
import pytest
from starlette.types import ASGIApp
from tortoise.migrations.operations import AddConstraint
from tortoise.models import Model

from tests.support.migration_commands import ended, migrating
from todo_gql.database import migrations as migrations_of_models
from todo_gql.database import models
from todo_gql.database.connection import fetch, fetchrow
from todo_gql.database.migrations import models_without_migration, write_migration

pytestmark = pytest.mark.own_schema

CREATED_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (?:CONCURRENTLY )?(\w+)\s+ON (\w+)")
DROPPED_INDEX = re.compile(r"(?:DROP INDEX |DropIndex(?:OfNewDatabase|Concurrently)\(\")(\w+)")
ADDED_CONSTRAINT = re.compile(r"ADD CONSTRAINT (\w+)\s+(?:FOREIGN|CHECK|UNIQUE)")
CONSTRAINT_KINDS = {"UniqueConstraint": "u", "CheckConstraint": "c"}


def tables() -> Iterator[type[Model]]:
    """Every model."""
    for _, member in getmembers(models, isclass):
        if issubclass(member, Model) and member is not Model:
            yield member


def named_constraints() -> Iterator[tuple[str, str, str]]:
    """The table, name and kind of every constraint that a model names."""
    for model in tables():
        for constraint in model._meta.constraints:
            kind = CONSTRAINT_KINDS[type(constraint).__name__]
            yield str(model._meta.db_table), str(constraint.name), kind


def migrations(project: Path) -> list[Path]:
    """The files of all migrations, in their order."""
    return sorted((project / "migrations").glob("[0-9]*.py"))


@pytest.mark.parametrize("model", list(tables()), ids=lambda model: model.__name__)
async def test_every_model_has_its_table(app: ASGIApp, model: type[Model]) -> None:
    """The table has the columns of the model, null where the model allows it, and no others."""
    rows = await fetch(
        "SELECT attname AS name, NOT attnotnull AS nullable FROM pg_attribute"
        " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
        model._meta.db_table,
    )
    fields = model._meta.fields_map.items()
    assert {row["name"]: row["nullable"] for row in rows} == {
        model._meta.fields_db_projection[name]: field.null
        for name, field in fields
        if name in model._meta.fields_db_projection
    }


@pytest.mark.parametrize(("table", "name", "kind"), list(named_constraints()))
async def test_every_constraint_that_a_model_names_exists(
    app: ASGIApp, table: str, name: str, kind: str
) -> None:
    """What a model promises, the database enforces, for rows that were there before too."""
    row = await fetchrow(
        "SELECT contype, convalidated FROM pg_constraint WHERE conrelid = $1::regclass"
        " AND conname = $2",
        table,
        name,
    )
    assert row is not None, f"no migration has AddConstraint for {name} of {table}"
    assert (row["contype"].decode(), row["convalidated"]) == (kind, True)


async def test_no_rule_is_hidden_in_the_database(app: ASGIApp) -> None:
    """Every unique and check constraint is one that a model names."""
    rows = await fetch(
        "SELECT conname AS name, conrelid::regclass::text AS table, contype FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace AND contype IN ('u', 'c')"
    )
    ours = {model._meta.db_table for model in tables()}
    assert {row["name"] for row in rows if row["table"] in ours} == {
        name for _, name, _ in named_constraints()
    }


async def test_every_constraint_and_index_of_the_migrations_exists(
    app: ASGIApp, project: Path
) -> None:
    """What migrations add as SQL is there and usable."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in migrations(project))
    indexes = await fetch(
        "SELECT c.relname AS name, i.indrelid::regclass::text AS table FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indisvalid AND i.indisready"
    )
    constraints = await fetch("SELECT conname AS name FROM pg_constraint WHERE convalidated")
    wanted_indexes = set(CREATED_INDEX.findall(text))
    wanted_constraints = set(ADDED_CONSTRAINT.findall(text))
    assert len(wanted_indexes) == len(re.findall("CREATE (UNIQUE )?INDEX", text))
    assert len(wanted_constraints) == text.count("ADD CONSTRAINT")
    dropped = set(DROPPED_INDEX.findall(text))
    found_indexes = {(row["name"], row["table"]) for row in indexes}
    assert {(name, table) for name, table in wanted_indexes if name not in dropped} <= found_indexes
    assert wanted_constraints <= {row["name"] for row in constraints}


async def test_every_owned_table_belongs_to_its_owner(app: ASGIApp) -> None:
    """Each table refers to its owner, but for users, what belongs to nobody, and the log.

    A trigger deletes the log of an account.
    """
    rows = await fetch(
        "SELECT conrelid::regclass::text AS table, confdeltype, pg_get_constraintdef(oid) AS text"
        " FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    )
    referring = {row["table"] for row in rows if "FOREIGN KEY (owner_id" in row["text"]}
    assert referring == {model._meta.db_table for model in tables()} - {
        *("users", "purged_mails", "data_versions", "changes", "discarded_files"),
    }
    # Todos outlive their section.
    kept = {row["table"] for row in rows if row["confdeltype"] != b"c"}
    assert (kept, {row["confdeltype"] for row in rows}) == ({"todos"}, {b"c", b"n"})


async def test_every_index_of_an_owned_table_begins_with_the_owner(app: ASGIApp) -> None:
    """Queries cross no owners, but for mails to a recipient, what is due, a secret, a browser, and all of a person.

    So do memberships and invitations, which are of lists of others.
    """
    rows = await fetch(
        "SELECT i.indexrelid::regclass::text AS name, a.attname AS first FROM pg_index i"
        " LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
        " WHERE NOT i.indisprimary AND i.indrelid = ANY($1::regclass[])",
        [model._meta.db_table for model in tables() if model is not models.User],
    )
    names = [row["name"] for row in rows if row["first"] != "owner_id"]
    assert sorted(names) == [
        "api_tokens_secret_unique",
        "attachments_by_uploader",
        "attachments_unfinished",
        "calendar_feeds_secret_unique",
        "comments_by_author",
        "digests_ahead",
        "invitations_by_address",
        "invitations_by_invitee",
        "invitations_by_inviter",
        "invitations_secret_unique",
        "list_members_by_user",
        "list_members_unique",
        "mails_by_recipient",
        "notifications_coming_back",
        "notifications_to_mail",
        "notifications_to_push",
        "purged_mails_by_recipient",
        "push_subscriptions_by_browser",
        "reminders_ahead",
        "reminders_by_person",
        "snoozes_ahead",
        "transfer_jobs_by_expiry",
        "webhook_deliveries_due",
        "webhooks_due",
    ]


def migrate(database_url: str) -> str:
    """What `todo-gql migrate` prints."""
    with migrating(database_url) as process:
        return "".join(f"{line}\n" for line in ended(process))


async def catalogue(database_url: str) -> list[asyncpg.Record]:
    """Every table and index of a database, and which file it lies in."""
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetch(
            "SELECT oid, relname, relfilenode FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
        )
    finally:
        await connection.close()


async def test_migrating_again_does_nothing(empty_url: str, project: Path) -> None:
    """Two runs at once apply every migration once; a later run finds nothing to do."""
    all_applied = "".join(f"Applied the migration {path.stem}.\n" for path in migrations(project))
    at_once = await asyncio.gather(*(asyncio.to_thread(migrate, empty_url) for _ in range(2)))
    assert sorted(at_once) == [all_applied, "Nothing to apply.\n"]
    migrated = await catalogue(empty_url)
    assert migrate(empty_url) == "Nothing to apply.\n"
    assert await catalogue(empty_url) == migrated


async def test_no_model_lacks_a_migration(app: ASGIApp) -> None:
    """The migrations say all that the models say."""
    assert await models_without_migration() == []


async def test_a_written_migration_adds_the_constraints_of_new_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration that is written for new tables has an operation for each of their constraints."""
    (tmp_path / "first_migrations").mkdir()
    (tmp_path / "first_migrations" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(migrations_of_models, "MIGRATIONS", "first_migrations")
    [path] = await write_migration()
    invalidate_caches()
    written = import_module(f"first_migrations.{Path(path).stem}").Migration.operations
    added = {one.constraint.name for one in written if isinstance(one, AddConstraint)}
    assert added == {name for _, name, _ in named_constraints()}
    assert await models_without_migration() == []
