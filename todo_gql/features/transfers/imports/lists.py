"""Creating the lists and sections of an import, under the owner's lock."""

from typing import Any, Final
from uuid import UUID

from uuid_utils.compat import uuid7

from todo_gql.api.placement import LAST, Sibling
from todo_gql.api.text import REFUSED, REFUSED_IN_LINES, read_text
from todo_gql.features.lists.entities import (
    LISTS,
    SECTIONS,
    EntityTable,
    insert,
    position_at,
    siblings_of,
)
from todo_gql.features.lists.inputs import COLOR, MAX_NAME
from todo_gql.features.lists.list_actions import COUNT_LISTS, MAX_LISTS
from todo_gql.features.lists.section_actions import COUNT_SECTIONS, MAX_SECTIONS
from todo_gql.features.todos.fields import MAX_DESCRIPTION
from todo_gql.features.todos.surroundings import Surroundings
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.features.transfers.imports.drafts import ELLIPSIS, UNTITLED, shown
from todo_gql.features.transfers.imports.known import Known, list_key, section_key
from todo_gql.features.transfers.imports.overlay import Overlay
from todo_gql.features.transfers.imports.report import Report
from todo_gql.importing.records import ImportedList, Problem, ProblemCode

IS_FULL: Final = f"An account has {MAX_LISTS} lists at most."
HAS_ALL_SECTIONS: Final = f"A list has {MAX_SECTIONS} sections at most."


class ListImport:
    """The lists of one part of an import; `around` and `known` get what it creates."""

    def __init__(
        self,
        write: OwnerWrite,
        around: Surroundings,
        known: Known,
        report: Report,
        overlay: Overlay | None,
    ) -> None:
        """With an `overlay`, of a trial run, nothing is written."""
        self.write, self.around, self.known, self.report = write, around, known, report
        self.overlay = overlay
        self.new: Known = {}

    async def add(self, read: ImportedList) -> None:
        """Create a list with its sections, as far as it hasn't been imported before."""
        key = list_key(read.foreign_id)
        if key in self.known:
            self.report.counts["alreadyImported"] += 1
            list_id = self.known[key]
            if not self.around.is_there(list_id):
                return
        else:
            number = await self.write.connection.fetchval(COUNT_LISTS, self.write.owner_id)
            if number + (self.overlay.lists if self.overlay else 0) >= MAX_LISTS:
                self._refuse(read, IS_FULL)
                return
            list_id = uuid7()
            await self._insert(LISTS, list_id, None, _list_values(read, self.write))
            self.around.open_counts[list_id] = 0
            if self.overlay:
                self.overlay.lists += 1
            self._note(key, list_id, "lists")
        await self._add_sections(read, list_id)

    async def _add_sections(self, read: ImportedList, list_id: UUID) -> None:
        new = [one for one in read.sections if section_key(one[0]) not in self.known]
        self.report.counts["alreadyImported"] += len(read.sections) - len(new)
        if not new:
            return
        values = self.write.owner_id, list_id
        number = await self.write.connection.fetchval(COUNT_SECTIONS, *values)
        if self.overlay:
            number += self.overlay.section_counts.get(list_id, 0)
        for foreign_id, name in new:
            if number >= MAX_SECTIONS:
                self._refuse(read, HAS_ALL_SECTIONS, name)
                continue
            number += 1
            section_id = uuid7()
            await self._insert(
                SECTIONS, section_id, list_id, {"list_id": list_id, "name": _name(name)}
            )
            self.around.sections[section_id] = list_id
            self._note(section_key(foreign_id), section_id, "sections")
        if self.overlay:
            counts = self.overlay.section_counts
            counts[list_id] = counts.get(list_id, 0) + len(new)

    async def _insert(
        self, table: EntityTable, id: UUID, list_id: UUID | None, values: dict[str, Any]
    ) -> None:
        if self.overlay:
            return
        siblings = siblings_of(self.write, table, list_id)
        position = await position_at(self.write, table, siblings, LAST, Sibling(id))
        row = await insert(self.write, table, {"id": id, "position": position, **values})
        assert row is not None

    def _note(self, key: tuple[int, str], id: UUID, name: str) -> None:
        self.known[key] = self.new[key] = id
        self.report.counts[name] += 1

    def _refuse(self, read: ImportedList, message: str, section: str | None = None) -> None:
        name = shown(section or read.name)
        self.report.add([Problem(read.location, ProblemCode.TOO_MANY, message, name)])


def _list_values(read: ImportedList, write: OwnerWrite) -> dict[str, Any]:
    text = REFUSED_IN_LINES.sub(" ", read.description or "")[:MAX_DESCRIPTION]
    description, problem = read_text(text, longest=MAX_DESCRIPTION, multiline=True, as_typed=True)
    color = read.color if read.color and COLOR.fullmatch(read.color) else None
    return {
        "name": _name(read.name),
        "description": None if problem else description or None,
        "color": color and color.lower(),
        "archived_at": write.now if read.is_archived else None,
    }


def _name(text: str) -> str:
    line = " ".join(REFUSED.sub(" ", text).split())
    line = line if len(line) <= MAX_NAME else line[: MAX_NAME - 1] + ELLIPSIS
    name, problem = read_text(line, shortest=1, longest=MAX_NAME)
    return UNTITLED if problem else name
