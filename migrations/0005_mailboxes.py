"""One account for all addresses of a mailbox."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.schema_editor.base import BaseSchemaEditor

from todo_gql.api.login_identifiers import mailbox_key

# Of an address in ASCII the lower case stands for its mailbox, and nothing is to be stored.
IN_OTHER_SCRIPTS = """
SELECT id, email FROM users WHERE email ~ '[^\\x01-\\x7f]' ORDER BY created_at, id
"""
# Those who share a mailbox already go on, each by the address as it was stored; the first, or who has
# it in ASCII, by all others too.
NOTE = """
UPDATE users SET mailbox_key = $2 WHERE id = $1 AND email_key <> $2 AND length($2) <= 255
    AND NOT EXISTS (SELECT FROM users WHERE coalesce(mailbox_key, email_key) = $2)
"""


async def note_mailboxes(_apps: object, editor: BaseSchemaEditor) -> None:
    """Store what stands for the mailbox of each address that isn't in ASCII."""
    for row in await editor.client.execute_query_dict(IN_OTHER_SCRIPTS):
        await editor.client.execute_query(NOTE, [row["id"], mailbox_key(row["email"])])


class Migration(migrations.Migration):
    dependencies = [("models", "0004_links_of_sessions")]

    initial = False

    operations = [
        ops.AddField(
            model_name="User",
            name="mailbox_key",
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.RunSQL(
            "CREATE UNIQUE INDEX users_mailbox_unique ON users"
            " ((coalesce(mailbox_key, email_key)));"
        ),
        ops.RunPython(note_mailboxes),
    ]
