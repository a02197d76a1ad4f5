"""Positions, days and feeds of the rows that were there before, and the indexes of the new columns."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0010_lists_and_feeds")]

    initial = False

    operations = [
        ops.RunSQL(
            """
INSERT INTO feeds (owner_id, seq, counted_seq, pending_count, in_progress_count, completed_count,
    cancelled_count, trash_count, stored_bytes)
SELECT id, change_seq, -1, pending_count, in_progress_count, completed_count, cancelled_count,
    trash_count, stored_bytes FROM users
ON CONFLICT DO NOTHING;

UPDATE todos t SET position = position_key(n.number),
    due_on = (t.due_at AT TIME ZONE coalesce(t.due_time_zone, 'UTC'))::date
FROM (
    SELECT id, row_number() OVER (PARTITION BY owner_id ORDER BY created_at, id) AS number FROM todos
) n WHERE n.id = t.id AND t.position IS NULL;

-- The inbox is the absence of a list.
CREATE UNIQUE INDEX todos_by_position ON todos
    (owner_id, (coalesce(list_id, '00000000-0000-0000-0000-000000000000'::uuid)), position);
CREATE INDEX todos_by_parent ON todos (owner_id, parent_id, position) WHERE parent_id IS NOT NULL;
CREATE INDEX todos_by_section ON todos (owner_id, section_id) WHERE section_id IS NOT NULL;
CREATE INDEX todos_by_due_on ON todos (owner_id, due_on, id)
    WHERE deleted_at IS NULL AND due_on IS NOT NULL;
CREATE INDEX todos_without_search_text ON todos (owner_id) WHERE search_text IS NULL;
CREATE INDEX changes_by_list ON changes (owner_id, list_id, seq) WHERE list_id IS NOT NULL;
"""
        ),
        ops.AlterField(model_name="Todo", name="position", field=fields.TextField(unique=False)),
    ]
