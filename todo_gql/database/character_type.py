"""Whether a database's character type (LC_CTYPE) covers all letters, tested by its functions.

The name of a locale doesn't say so on every machine.
"""

import asyncpg

# In Turkish, lower('I') is another letter. pg_trgm drops letters that the locale doesn't know, and a
# word without trigrams isn't found by an index.
ABOUT = """
SELECT getdatabaseencoding() = 'UTF8' AS is_utf8,
    current_setting('server_version_num')::int / 10000 AS version,
    format('%I', datname) AS name, format('%I', datname || '_old') AS old,
    format('%I', pg_get_userbyid(datdba)) AS owner
FROM pg_database WHERE datname = current_database()
"""
KNOWS_LETTERS = "SELECT lower('I\u00c4\u0416') = 'i\u00e4\u0436'"
KNOWS_WORDS = "SELECT cardinality(show_trgm('\u0441\u043b\u043e\u0432\u043e')) > 0"

PROVIDER = "LOCALE_PROVIDER libc"
# Since PostgreSQL 17 the provider builtin converts case independently of the machine's locales.
BUILTIN_SINCE = 17
BUILTIN_PROVIDER = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"

ADVICE = """The database {name} {problem}.
Create it again, in a session on another database, such as postgres:

  ALTER DATABASE {name} RENAME TO {old};
  CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 ENCODING 'UTF8'
    {provider} LC_COLLATE 'C' LC_CTYPE 'C.UTF-8';

Where the server's machine has no C.UTF-8, use LC_CTYPE 'en_US.UTF-8'. Copy the
data of the old database with pg_dump and pg_restore."""


class UnfitDatabase(Exception):
    """The character type of a database doesn't cover all letters; the message says what to do."""


async def advice_on(connection: "asyncpg.Connection[asyncpg.Record]") -> str | None:
    """How to replace a database whose character type doesn't cover all letters; None if it does.

    The database must have the extension pg_trgm, as every migrated one has.
    """
    about = await connection.fetchrow(ABOUT)
    assert about is not None
    problem = await _problem(connection, is_utf8=about["is_utf8"])
    if problem is None:
        return None
    provider = BUILTIN_PROVIDER if about["version"] >= BUILTIN_SINCE else PROVIDER
    return ADVICE.format(problem=problem, provider=provider, **about)


async def _problem(
    connection: "asyncpg.Connection[asyncpg.Record]", *, is_utf8: bool
) -> str | None:
    if not is_utf8:
        return "doesn't store text as UTF-8"
    if not await connection.fetchval(KNOWS_LETTERS):
        return "doesn't convert the case of all letters, so that searches miss matches"
    if not await connection.fetchval(KNOWS_WORDS):
        return "has no trigrams of words in other letters than A to Z, so that searches are slow"
    return None
