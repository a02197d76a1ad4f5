"""The sequence and counts of an owner in `feeds`, and their copies in `users`.

The release before reads and writes the copies: a trigger adds what it writes to `feeds`. What this
release writes to `feeds` it copies in the same statement.
"""

from typing import Final

_MIRRORED: Final = """mirrored AS (
    UPDATE users u SET change_seq = f.seq, mirrored_seq = f.seq, counted_seq = f.counted_seq,
        stored_bytes = f.stored_bytes{} FROM counted f WHERE u.id = f.owner_id
)"""
MIRRORED: Final = _MIRRORED.format(""",
        pending_count = f.pending_count, in_progress_count = f.in_progress_count,
        completed_count = f.completed_count, cancelled_count = f.cancelled_count,
        trash_count = f.trash_count""")
"""A CTE that copies the row of feeds which the CTE `counted` returns."""
MIRRORED_NUMBERS: Final = _MIRRORED.format("")
"""The same where counts stay as they are."""


def mirrored(update: str) -> str:
    """The statement that updates a row of feeds `f` and copies it.

    `update` ends before RETURNING.
    """
    return f"WITH counted AS ({update} RETURNING f.*), {MIRRORED} SELECT"
