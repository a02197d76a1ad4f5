"""Operations of migrations that Tortoise lacks."""

from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


class AddCheckNotValid(ops.AddConstraint):
    """Adds a check for new rows; `migrate` validates the existing rows after its transaction.

    `AddConstraint` would read the whole table while it holds the table's exclusive lock.
    """

    def __init__(self, model_name: str, constraint: CheckConstraint) -> None:
        super().__init__(model_name, constraint)
        self.check = constraint

    async def database_forward(
        self,
        app_label: str,
        old_state: State,  # noqa: ARG002 - Tortoise's signature
        new_state: State,
        state_editor: BaseSchemaEditor | None = None,
    ) -> None:
        """Add the check as NOT VALID."""
        if state_editor:
            table = new_state.apps.get_model(f"{app_label}.{self.model_name}")._meta.db_table
            await state_editor.client.execute_script(
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{self.check.name}"'
                f" CHECK ({self.check.check}) NOT VALID"
            )
