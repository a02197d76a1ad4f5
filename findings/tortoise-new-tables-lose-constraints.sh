#!/usr/bin/env bash
# tortoise-orm 1.1.9 (PyPI) and the migrations that it writes for a model with constraints.
#
# Expected: what `Meta.constraints` of a new model names is in the database after `makemigrations`
#   and `migrate`, as it is for `unique_together`.
# Seen: the written migration holds the UniqueConstraint among the options of `CreateModel`, which
#   creates the table without it and says nothing; so does `generate_schemas`. `makemigrations`
#   then finds no changes, since it compares models with migrations and never with a database.
# Why it matters: "a list has one row for each member" or "a todo has a tag once" holds in the code
#   and not in the database, and an INSERT ... ON CONFLICT on it fails in production.
# What follows: take constraints out of `CreateModel` and add them by `AddConstraint` before the
#   file is written, and compare the constraints of a migrated database with those of the models
#   in a test.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tortoise-orm==1.1.9

mkdir shop
touch shop/__init__.py
cat >shop/models.py <<'PY'
from tortoise import Model, fields
from tortoise.migrations.constraints import UniqueConstraint


class Member(Model):
    id = fields.IntField(primary_key=True)
    list_id = fields.IntField()
    user_id = fields.IntField()

    class Meta:
        constraints = (UniqueConstraint(fields=("list_id", "user_id"), name="member_once"),)


class Label(Model):
    id = fields.IntField(primary_key=True)
    user_id = fields.IntField()
    name = fields.TextField()

    class Meta:
        unique_together = (("user_id", "name"),)
PY
cat >conf.py <<'PY'
CONFIG = {
    "connections": {"default": "sqlite://shop.sqlite3"},
    "apps": {
        "shop": {
            "models": ["shop.models"],
            "default_connection": "default",
            "migrations": "shop.migrations",
        }
    },
}
PY
cat >created.py <<'PY'
"""Prints whether each table may hold the same row twice."""

import asyncio
import sqlite3
import sys

from conf import CONFIG
from tortoise import Tortoise


async def generate(path: str) -> None:
    await Tortoise.init(config=CONFIG | {"connections": {"default": f"sqlite://{path}"}})
    await Tortoise.generate_schemas()
    await Tortoise.close_connections()


def report(maker: str, path: str) -> None:
    tables = sqlite3.connect(path)
    for table in ("label", "member"):
        [(sql,)] = tables.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,))
        print(f"{maker}: {table} is", "unique" if "UNIQUE (" in sql else "not unique")


report("migrate", "shop.sqlite3")
asyncio.run(generate("generated.sqlite3"))
report("generate_schemas", "generated.sqlite3")
PY
export PYTHONPATH=.
tortoise="env/bin/tortoise --config conf.CONFIG"
$tortoise init >log.txt
$tortoise makemigrations >>log.txt
$tortoise migrate >>log.txt
{
  echo "constraints in the written CreateModel: $(grep -c "'constraints': \[UniqueConstraint" shop/migrations/0001_initial.py)"
  env/bin/python created.py
  $tortoise makemigrations >again.txt
  echo "migrations after makemigrations again: $(find shop/migrations -name '0*.py' | wc -l | tr -d ' ')"
} >seen.txt

cat >stated.txt <<'TEXT'
constraints in the written CreateModel: 1
migrate: label is unique
migrate: member is not unique
generate_schemas: label is unique
generate_schemas: member is not unique
migrations after makemigrations again: 1
TEXT
cat seen.txt
if ! diff stated.txt seen.txt; then
  echo "Changed: '<' is what this file states, '>' what is seen now." >&2
  exit 1
fi
echo "As stated."
