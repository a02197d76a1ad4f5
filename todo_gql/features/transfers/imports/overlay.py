"""What a trial run has planned, which later parts of it find beside what is stored."""

from dataclasses import dataclass, field
from uuid import UUID

from todo_gql.features.todos.surroundings import Parent, Surroundings
from todo_gql.features.todos.writes import OwnerWrite
from todo_gql.features.transfers.imports.known import Known


@dataclass
class Overlay:
    """Lists, sections and todos that a trial run would have created, with what it would have counted."""

    known: Known = field(default_factory=dict)
    open_counts: dict[UUID, int] = field(default_factory=dict)
    sections: dict[UUID, UUID] = field(default_factory=dict)
    section_counts: dict[UUID, int] = field(default_factory=dict)
    parents: dict[UUID, Parent] = field(default_factory=dict)
    lists: int = 0
    todos: int = 0
    stored_bytes: int = 0
    file_bytes: int = 0

    def apply(self, write: OwnerWrite, around: Surroundings) -> None:
        """Add what is planned to what is stored."""
        around.open_counts |= self.open_counts
        around.sections |= self.sections
        around.parents |= self.parents
        write.storage.todos += self.todos
        write.storage.stored_bytes += self.stored_bytes

    def note(self, around: Surroundings, known: Known, todos: int, stored_bytes: int) -> None:
        """Plan what a part has added."""
        self.known |= known
        self.open_counts |= around.open_counts
        self.sections |= around.sections
        self.parents |= around.parents
        self.todos += todos
        self.stored_bytes += stored_bytes
