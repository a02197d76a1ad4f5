"""Files of todos, and what moves whole accounts in and out: imports and exports."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.accounts import User
from todo_gql.database.models.base import Model
from todo_gql.database.models.enums import AttachmentState, JobState


class Attachment(Model):
    """A file of a todo, or of a comment on it; its bytes are in the store of files, by its id.

    `owner_id` is the todo's owner, who has to have room for it. `content_type` is what its bytes are once it
    is READY, and until then what the client says. `thumbnail_sizes` are the widths of its thumbnails in the
    store. An upload that isn't finished by `upload_expires_at` is deleted some time after it.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    todo_id = fields.UUIDField()
    comment_id: UUID | None = fields.UUIDField(null=True)
    uploaded_by_id: UUID | None = fields.UUIDField(null=True)
    file_name = fields.CharField(255)
    size = fields.BigIntField()
    content_type = fields.CharField(127)
    sha256 = fields.BinaryField()
    state = fields.SmallIntField(
        default=AttachmentState.UPLOADING.value, db_default=AttachmentState.UPLOADING.value
    )
    refused_because = fields.CharField(200, null=True)
    width = fields.IntField(null=True)
    height = fields.IntField(null=True)
    thumbnail_sizes: fields.JSONField[Any] = fields.JSONField(default=list)
    created_at = fields.DatetimeField(auto_now_add=True)
    upload_expires_at = fields.DatetimeField(null=True)

    class Meta:
        table = "attachments"
        constraints = (
            CheckConstraint(check="size >= 0", name="attachments_size_not_negative"),
            CheckConstraint(check="octet_length(sha256) = 32", name="attachments_hash_is_sha256"),
            CheckConstraint(check="state IN (0, 1, 2, 3)", name="attachments_state_known"),
        )


class FileUsage(Model):
    """How many bytes the files of a person's todos take; a trigger keeps it, under the owner's lock."""

    owner_id = fields.UUIDField(primary_key=True)
    stored_bytes = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "file_usage"


class DiscardedFile(Model):
    """A file of the store that nothing refers to any more, to be deleted there.

    A trigger enters the files of every row of attachments and of transfer_jobs that is deleted, whatever deletes
    it. `file_key` is the name that all files of that row begin with.
    """

    id = fields.BigIntField(primary_key=True)
    file_key = fields.CharField(200)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "discarded_files"


class TransferJob(Model):
    """An import or export of a person's data, which a worker runs, from the request to the report.

    `kind` is a `TransferKind`. `done` and `total` count what it reads or writes, and `counts` says how many of
    each kind of thing. `input` is what it was asked for. Its file in the store, uploaded or made, has its id as
    key, `file_size` bytes, and for an upload the hash `sha256`; it is deleted after `expires_at`.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    kind = fields.SmallIntField()
    state = fields.SmallIntField(default=JobState.WAITING.value, db_default=JobState.WAITING.value)
    format = fields.SmallIntField(null=True)
    is_trial = fields.BooleanField(default=False, db_default=False)
    input: fields.JSONField[Any] = fields.JSONField(default=dict)
    counts: fields.JSONField[Any] = fields.JSONField(default=dict)
    done = fields.IntField(default=0, db_default=0)
    total = fields.IntField(null=True)
    error = fields.CharField(500, null=True)
    is_cancelled = fields.BooleanField(default=False, db_default=False)
    file_size = fields.BigIntField(null=True)
    sha256 = fields.BinaryField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    started_at = fields.DatetimeField(null=True)
    finished_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)

    class Meta:
        table = "transfer_jobs"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="transfer_jobs_owner_id_unique"),
            CheckConstraint(check="kind IN (0, 1)", name="transfer_jobs_kind_known"),
            CheckConstraint(check="state BETWEEN 0 AND 4", name="transfer_jobs_state_known"),
            CheckConstraint(check="done >= 0", name="transfer_jobs_done_not_negative"),
        )


class ImportProblem(Model):
    """What an import couldn't take over, or not as it was; `number` is its position in the report."""

    id = fields.BigIntField(primary_key=True)
    owner_id = fields.UUIDField()
    job_id = fields.UUIDField()
    number = fields.IntField()
    location = fields.CharField(200)
    title = fields.CharField(200, null=True)
    code = fields.CharField(50)
    message = fields.CharField(1000)
    is_loss = fields.BooleanField(default=False, db_default=False)

    class Meta:
        table = "import_problems"
        constraints = (
            UniqueConstraint(
                fields=("owner_id", "job_id", "number"), name="import_problems_unique"
            ),
        )


class ImportedItem(Model):
    """What became of a thing of another program, so that importing it again adds nothing.

    `source` is a `TransferFormat`, `foreign_id` identifies the thing there, and `entity_id` is the id of the
    list, section, todo or comment here, as `kind`, a `ChangeKind`, says.
    """

    id = fields.BigIntField(primary_key=True)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    source = fields.SmallIntField()
    foreign_id = fields.CharField(100)
    kind = fields.SmallIntField()
    entity_id = fields.UUIDField()

    class Meta:
        table = "imported_items"
        constraints = (
            UniqueConstraint(
                fields=("owner_id", "source", "kind", "foreign_id"), name="imported_items_unique"
            ),
        )
