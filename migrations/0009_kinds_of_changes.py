"""Changes of other things than todos, which the release before can't write yet."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from todo_gql.database.migration_operations import AddCheckNotValid


class Migration(migrations.Migration):
    dependencies = [("models", "0008_purged_mails")]

    initial = False

    operations = [
        ops.AlterModelOptions(
            name="Change",
            options={
                "pk_attr": "id",
                "table_description": "One committed change of one thing, numbered by its owner's `change_seq` without gaps.",
            },
        ),
        # The release before inserts rows without these columns: changes of todos.
        ops.AddField(
            model_name="Change", name="kind", field=fields.SmallIntField(default=0, db_default=0)
        ),
        ops.AddField(model_name="Change", name="entity_id", field=fields.UUIDField(null=True)),
        ops.AddField(model_name="Change", name="list_id", field=fields.UUIDField(null=True)),
        ops.AlterField(model_name="Change", name="todo_id", field=fields.UUIDField(null=True)),
        AddCheckNotValid(
            "Change",
            CheckConstraint(
                check="CASE WHEN kind = 0 THEN todo_id IS NOT NULL AND entity_id IS NULL"
                " ELSE entity_id IS NOT NULL END",
                name="changes_entity_by_kind",
            ),
        ),
        # Other kinds have actions of their own.
        ops.RemoveConstraint("Change", name="changes_action_known"),
        AddCheckNotValid(
            "Change",
            CheckConstraint(
                check="kind <> 0 OR action BETWEEN 0 AND 7", name="changes_action_known"
            ),
        ),
    ]
