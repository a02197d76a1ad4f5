"""Which session asked for a link, and no more than one good link of a kind."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0003_forgotten_changes")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Mail",
            name="session_id",
            field=fields.UUIDField(null=True),
        ),
        # Of the links that are good, each account keeps the newest of each kind.
        ops.RunSQL(
            """
UPDATE mails m SET used_at = now()
WHERE m.used_at IS NULL AND m.link_hash IS NOT NULL AND m.expires_at > now() AND EXISTS (
    SELECT FROM mails newer WHERE newer.owner_id = m.owner_id AND newer.kind = m.kind
        AND (newer.created_at, newer.id) > (m.created_at, m.id));
"""
        ),
    ]
