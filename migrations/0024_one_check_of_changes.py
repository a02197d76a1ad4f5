"""One check of the log's rows instead of two, which PostgreSQL reads anew for every statement that writes."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

from todo_gql.database.migration_operations import AddCheckNotValid


class Migration(migrations.Migration):
    dependencies = [("models", "0023_due_days")]

    initial = False

    operations = [
        ops.RemoveConstraint(model_name="Change", name="changes_entity_by_kind"),
        ops.RemoveConstraint(model_name="Change", name="changes_action_known"),
        AddCheckNotValid(
            "Change",
            CheckConstraint(
                check="CASE WHEN kind = 0 THEN todo_id IS NOT NULL AND entity_id IS NULL"
                " AND action = ANY ('{0,1,2,3,4,5,6,7}'::smallint[])"
                " ELSE entity_id IS NOT NULL END",
                name="changes_values_by_kind",
            ),
        ),
    ]
