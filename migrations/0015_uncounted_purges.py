"""What the previous release purges makes counts outdated as well, not only what it logs."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("models", "0014_same_search_texts")]

    initial = False

    operations = [
        ops.RunSQL(
            """
-- seq - counted_seq grows with every write of the release before: with the log, or when it purges or
-- recounts, which isn't logged. What this release purges is in feeds already.
CREATE OR REPLACE FUNCTION add_to_feed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE feeds SET seq = NEW.change_seq,
        counted_seq = counted_seq - (NEW.change_seq = OLD.change_seq)::int,
        pending_count = NEW.pending_count, in_progress_count = NEW.in_progress_count,
        completed_count = NEW.completed_count, cancelled_count = NEW.cancelled_count,
        trash_count = NEW.trash_count, stored_bytes = NEW.stored_bytes
    WHERE owner_id = NEW.id AND (seq, pending_count, in_progress_count, completed_count, cancelled_count,
        trash_count, stored_bytes) IS DISTINCT FROM (NEW.change_seq, NEW.pending_count,
        NEW.in_progress_count, NEW.completed_count, NEW.cancelled_count, NEW.trash_count, NEW.stored_bytes);
    RETURN NULL;
END $$;
"""
        ),
    ]
