"""Changing lists and sections; each field is one transaction."""

from typing import Annotated

import strawberry
from strawberry import UNSET

from todo_gql.api.placement import PlacementInput
from todo_gql.api.token_scopes import TokenScope, scoped
from todo_gql.features.lists.inputs import ListCreateInput, ListUpdateInput
from todo_gql.features.lists.list_actions import (
    create_list,
    delete_list,
    move_list,
    restore_list,
    update_list,
)
from todo_gql.features.lists.payloads import ListPayload, SectionPayload
from todo_gql.features.lists.section_actions import create_section, delete_section, update_section
from todo_gql.features.todos.inputs import unset_to_none
from todo_gql.operation.context import Info

ListId = Annotated[strawberry.ID, strawberry.argument(description="The list's id.")]
SectionId = Annotated[strawberry.ID, strawberry.argument(description="The section's id.")]
ExpectedVersion = Annotated[
    int | None,
    strawberry.argument(description="The version that you saw: CONFLICT if it isn't current."),
]


@strawberry.type
class ListMutation:
    """The mutation fields of lists and sections."""

    @strawberry.field(
        description="Makes a list; at most 500 outside the trash.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def list_create(
        self,
        info: Info,
        input: Annotated[ListCreateInput, strawberry.argument(description="Its values.")],
    ) -> ListPayload | None:
        return await create_list(info.context, input)

    @strawberry.field(
        description="Changes a list; an update that changes nothing is no error.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def list_update(
        self,
        info: Info,
        id: ListId,
        input: Annotated[ListUpdateInput, strawberry.argument(description="What to change.")],
        expected_version: ExpectedVersion = UNSET,
    ) -> ListPayload | None:
        version = unset_to_none(expected_version)
        return await update_list(info.context, id, input, version)

    @strawberry.field(
        description="Moves a list among the others.", metadata=scoped(TokenScope.TODOS_WRITE)
    )
    async def list_move(
        self,
        info: Info,
        id: ListId,
        placement: Annotated[
            PlacementInput, strawberry.argument(name="place", description="Where to.")
        ],
    ) -> ListPayload | None:
        return await move_list(info.context, id, placement)

    @strawberry.field(
        description="Moves a list into the trash, with all todos in it.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def list_delete(
        self, info: Info, id: ListId, expected_version: ExpectedVersion = UNSET
    ) -> ListPayload | None:
        version = unset_to_none(expected_version)
        return await delete_list(info.context, id, version)

    @strawberry.field(
        description="Takes a list out of the trash, with the todos that went there with it; elsewhere it "
        "stays as it is.",
        metadata=scoped(TokenScope.TODOS_WRITE),
    )
    async def list_restore(self, info: Info, id: ListId) -> ListPayload | None:
        return await restore_list(info.context, id)

    @strawberry.field(
        description="Makes a section of a list; at most 100 a list.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def section_create(
        self,
        info: Info,
        list_id: ListId,
        name: Annotated[str, strawberry.argument(description="1 to 120 characters.")],
        placement: Annotated[
            PlacementInput | None,
            strawberry.argument(
                name="place", description="Where among the sections; behind all others if absent."
            ),
        ] = UNSET,
    ) -> SectionPayload | None:
        sent = unset_to_none(placement)
        return await create_section(info.context, list_id, name, sent)

    @strawberry.field(
        description="Renames or moves a section; what is absent stays.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def section_update(
        self,
        info: Info,
        id: SectionId,
        name: Annotated[
            str | None, strawberry.argument(description="1 to 120 characters; not null.")
        ] = UNSET,
        placement: Annotated[
            PlacementInput | None,
            strawberry.argument(
                name="place", description="Where to, among the sections of its list."
            ),
        ] = UNSET,
        expected_version: ExpectedVersion = UNSET,
    ) -> SectionPayload | None:
        sent = {"name": name, "placement": placement}
        changes = {key: value for key, value in sent.items() if value is not UNSET}
        version = unset_to_none(expected_version)
        return await update_section(info.context, id, changes, version)

    @strawberry.field(
        description="Deletes a section; its todos stay in the list, in no section.",
        metadata=scoped(TokenScope.TODOS_WRITE, lists=True),
    )
    async def section_delete(self, info: Info, id: SectionId) -> SectionPayload | None:
        return await delete_section(info.context, id)
