"""Lists with their sections and members, invitations, and saved views."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from uuid_utils.compat import uuid7

from todo_gql.database.models.accounts import User
from todo_gql.database.models.base import Model
from todo_gql.database.models.enums import ListNotifyLevel


class TodoList(Model):
    """A list of todos, with the counts of its todos by status outside the trash.

    In the trash while `deleted_at` is set. `position` sorts an owner's lists.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    name = fields.CharField(120)
    description = fields.CharField(5000, null=True)
    color = fields.CharField(7, null=True)
    position = fields.TextField()
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)
    archived_at = fields.DatetimeField(null=True)
    deleted_at = fields.DatetimeField(null=True)
    pending_count = fields.IntField(default=0, db_default=0)
    in_progress_count = fields.IntField(default=0, db_default=0)
    completed_count = fields.IntField(default=0, db_default=0)
    cancelled_count = fields.IntField(default=0, db_default=0)

    class Meta:
        table = "lists"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="lists_owner_id_unique"),
            CheckConstraint(check="name <> ''", name="lists_name_not_empty"),
            CheckConstraint(check="version >= 1", name="lists_version_positive"),
        )


class Section(Model):
    """A section of a list; `position` sorts those of one list. Deleted once `deleted_at` is set."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    name = fields.CharField(120)
    position = fields.TextField()
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)
    deleted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "sections"
        constraints = (
            UniqueConstraint(fields=("owner_id", "id"), name="sections_owner_id_unique"),
            CheckConstraint(check="name <> ''", name="sections_name_not_empty"),
            CheckConstraint(check="version >= 1", name="sections_version_positive"),
        )


class ListMember(Model):
    """A member of a list: its owner, whose row a trigger inserts, or somebody who was invited.

    `owner_id` is the list's owner, and `position` sorts the list among those of a member who isn't the owner.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    user_id: UUID
    role = fields.SmallIntField()
    notify = fields.SmallIntField(
        default=ListNotifyLevel.ALL.value, db_default=ListNotifyLevel.ALL.value
    )
    position = fields.TextField()
    joined_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "list_members"
        constraints = (
            UniqueConstraint(fields=("list_id", "user_id"), name="list_members_unique"),
            CheckConstraint(
                check="CASE WHEN user_id = owner_id THEN role = 3 ELSE role IN (0, 1, 2) END",
                name="list_members_owner_by_role",
            ),
            CheckConstraint(check="notify IN (0, 1, 2)", name="list_members_notify_known"),
        )


class Invitation(Model):
    """An invitation to a list, of which only the hash of its secret is stored.

    `owner_id` is the list's owner. It is for the account `invitee_id`, or for whose verified address is
    `address_key`; open until it expires or ends with an `outcome`.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner_id = fields.UUIDField()
    list_id = fields.UUIDField()
    role = fields.SmallIntField()
    invited_by_id = fields.UUIDField()
    invitee_id: UUID | None = fields.UUIDField(null=True)
    address = fields.CharField(255, null=True)
    address_key = fields.CharField(255, null=True)
    secret_hash = fields.BinaryField()
    created_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    outcome = fields.SmallIntField(null=True)

    class Meta:
        table = "invitations"
        constraints = (
            UniqueConstraint(fields=("secret_hash",), name="invitations_secret_unique"),
            CheckConstraint(check="role IN (0, 1, 2)", name="invitations_role_known"),
            CheckConstraint(
                check="octet_length(secret_hash) = 32", name="invitations_secret_hash_is_sha256"
            ),
            CheckConstraint(
                check="invitee_id IS NOT NULL OR address_key IS NOT NULL",
                name="invitations_have_recipients",
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (outcome IS NULL)", name="invitations_end_with_outcomes"
            ),
        )


class SavedView(Model):
    """A filter and an order of todos under a name, as the JSON of the inputs of the API."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    owner: fields.ForeignKeyRelation[User] = fields.ForeignKeyField(
        "models.User", related_name=False, on_delete=fields.CASCADE
    )
    owner_id: UUID
    name = fields.CharField(120)
    position = fields.TextField()
    todo_filter: fields.JSONField[Any] = fields.JSONField()
    todo_sort: fields.JSONField[Any] = fields.JSONField(null=True)
    version = fields.IntField(default=1)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "saved_views"
        constraints = (
            CheckConstraint(check="name <> ''", name="saved_views_name_not_empty"),
            CheckConstraint(check="version >= 1", name="saved_views_version_positive"),
        )
