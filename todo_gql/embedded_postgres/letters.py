"""The character type (LC_CTYPE) of an embedded database, by which its trigrams know letters.

Databases made before 2026-12 have C, in which a word of other letters than A to Z has no trigrams, so that
searches read all rows. The builtin provider folds and sorts text whatever the character type, so trigram
indexes are all that depends on it: a start changes it in the catalog, with the statement that pg_upgrade
uses for template0, and creates these indexes again.

The change and the removal of the indexes are one transaction, which stores their definitions. After a kill
the next start creates what these say. Without an index searches are slow, never wrong.
"""

import locale
import os
import shutil
from contextlib import suppress
from pathlib import Path

# Trigrams are of what the machine's locale has for letters, though PostgreSQL folds by its own.
CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "UTF-8")

TRIGRAM_INDEXES = """
FROM pg_index i WHERE EXISTS (SELECT FROM unnest(i.indclass) AS c (id) JOIN pg_opclass o ON o.oid = c.id
    WHERE o.opcname IN ('gin_trgm_ops', 'gist_trgm_ops'))
"""
# A session that is connected meanwhile has the old character type, and would store its trigrams.
CHANGE_CHARACTER_TYPE = rf"""
\connect todo_gql
SELECT datctype = 'C' AND datctype <> :'character_type' AND datlocprovider = 'b' AS is_unfit
FROM pg_database WHERE datname = current_database() \gset
\if :is_unfit
BEGIN;
CREATE TABLE indexes_to_create AS
    SELECT pg_get_indexdef(i.indexrelid) AS definition {TRIGRAM_INDEXES};
UPDATE pg_database SET datctype = :'character_type' WHERE datname = current_database();
SELECT format('DROP INDEX %s', i.indexrelid::regclass) {TRIGRAM_INDEXES} \gexec
COMMIT;
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
\connect todo_gql
\endif
SELECT to_regclass('indexes_to_create') IS NOT NULL AS is_interrupted \gset
\if :is_interrupted
BEGIN;
SELECT definition FROM indexes_to_create \gexec
DROP TABLE indexes_to_create;
COMMIT;
\endif
"""


def character_type() -> str:
    """A locale of this machine whose character type covers all of Unicode; C where it has none."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in CHARACTER_TYPES:
            with suppress(locale.Error):
                locale.setlocale(locale.LC_CTYPE, name)
                return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C"


def has_room(cluster: Path) -> bool:
    """Whether the disk has as much room as the databases of a cluster take: no index takes more."""
    folders = os.walk(cluster / "base")
    used = sum(Path(folder, name).stat().st_size for folder, _, names in folders for name in names)
    return shutil.disk_usage(cluster).free > used
