"""The content lines of iCalendar (RFC 5545, section 3.1), and the components that they are in.

Each component is read by itself, and each line, so that a broken one costs nothing but itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from icalendar.parser import Contentline

from todo_gql.importing.contents import lines_of

MAX_COMPONENT_LENGTH: Final = 500_000
MAX_PROPERTY_LENGTH: Final = 100_000
MAX_COMPONENTS: Final = 100
# A todo has alarms in it, a time zone its rules.
_MAX_DEPTH: Final = 4
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")
_LIST_ITEM: Final = re.compile(r"(?:[^,\\]|\\.)+")
_NAME: Final = re.compile("[A-Za-z0-9-]{1,100}")
_COMPONENTS: Final = ("VTODO", "VTIMEZONE", "VEVENT", "VJOURNAL")
# What the library raises for lines that are none; it looks zones up by name in the file system.
LINE_ERRORS: Final = (ValueError, KeyError, TypeError, IndexError, AttributeError, OSError)


@dataclass(frozen=True, slots=True)
class Property:
    """A property with its parameters; `raw` is its value as it is written."""

    name: str
    raw: str
    parameters: dict[str, str]

    @property
    def text(self) -> str:
        """The value as a text, unescaped."""
        return _unescaped(self.raw)

    @property
    def texts(self) -> list[str]:
        """The value as texts with commas between them."""
        return [_unescaped(part).strip() for part in _LIST_ITEM.findall(self.raw)]


@dataclass(slots=True)
class Component:
    """A component: its name, the line where it begins, its own properties, and the components in it.

    `broken` are its lines that can't be read, `is_complete` whether it has an end.
    """

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    is_complete: bool = False

    def first(self, name: str) -> Property | None:
        """The first property of a name."""
        return next((each for each in self.properties if each.name == name), None)

    def all(self, name: str) -> Iterator[Property]:
        """All properties of a name."""
        return (each for each in self.properties if each.name == name)

    def text(self, name: str) -> str:
        """The text of a property; empty without one."""
        first = self.first(name)
        return first.text.strip() if first else ""


def components_of(
    content: bytes, names: tuple[str, ...], ignored: frozenset[str] = frozenset()
) -> Iterator[Component | Property]:
    """The components of these names in their order, and the properties of the calendars around them.

    Components of other names are given without what is in them, and all without their `ignored` properties.
    """
    assembly = _Assembly(names, ignored)
    for number, line in _unfolded(content):
        yield from assembly.add(number, line)
    if assembly.stack:
        yield assembly.stack[0]


class _Assembly:
    """The component that lines are put together to, with those around the line in it."""

    def __init__(self, names: tuple[str, ...], ignored: frozenset[str]) -> None:
        self.stack: list[Component] = []
        self._names, self._ignored = names, ignored
        self._length = 0

    def add(self, number: int, line: str) -> Iterator[Component | Property]:
        """What is complete with a line."""
        keyword, _, kind = line.partition(":")
        kind = kind.strip().upper()
        match keyword.upper():
            case "BEGIN" if kind != "VCALENDAR":
                yield from self._begin(Component(kind, number))
            case "BEGIN":
                pass
            case "END":
                yield from self._end(kind)
            case _ if not self.stack:
                if property := _property(line):
                    yield property
            case _ if self.stack[0].name in self._names:
                self._length += len(line)
                if self._length <= MAX_COMPONENT_LENGTH:
                    self._add(self.stack[-1], line)

    def _add(self, component: Component, line: str) -> None:
        name = _NAME.match(line)
        if name and name[0].upper() in self._ignored:
            return
        property = _property(line)
        if property is None:
            component.broken.append(line[:200])
        else:
            component.properties.append(property)

    def _begin(self, component: Component) -> Iterator[Component]:
        if component.name in _COMPONENTS:
            # One whose end is missing ends where the next one begins.
            yield from self.stack[:1]
            self.stack.clear()
            self._length = 0
        elif self.stack and len(self.stack[-1].components) < MAX_COMPONENTS:
            self.stack[-1].components.append(component)
        if len(self.stack) < _MAX_DEPTH:
            self.stack.append(component)

    def _end(self, kind: str) -> Iterator[Component]:
        if self.stack and kind == self.stack[0].name:
            self.stack[0].is_complete = True
            yield self.stack[0]
            self.stack.clear()
        elif len(self.stack) > 1 and kind == self.stack[-1].name:
            self.stack.pop()


def _unescaped(text: str) -> str:
    """A text as it was before its signs were escaped (RFC 5545, section 3.3.11)."""
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], text)


def _property(line: str) -> Property | None:
    """The property that a line is; None if it is none."""
    head, colon, value = line.partition(":")
    if len(line) > MAX_PROPERTY_LENGTH or not colon:
        return None
    name, *parameters = head.split(";")
    if not _NAME.fullmatch(name):
        return None
    if '"' not in line and all("=" in parameter for parameter in parameters):
        pairs = (parameter.partition("=") for parameter in parameters)
        return Property(name.upper(), value, {key.upper(): text for key, _, text in pairs})
    try:
        name, quoted, value = Contentline(line).raw_parts()
    except LINE_ERRORS:
        return None
    texts = {
        str(key).upper(): each if isinstance(each, str) else ",".join(map(str, each))
        for key, each in quoted.items()
    }
    return Property(name.upper(), value, texts)


def _unfolded(content: bytes) -> Iterator[tuple[int, str]]:
    """The lines with those that go on in the next one put together, each with its first number."""
    first, parts, length = 0, list[str](), 0
    for number, line in lines_of(content):
        if line is None:
            continue
        if line[:1] in (" ", "\t") and parts:
            # What is longer than any property is cut here, and refused as a whole below.
            if length <= MAX_PROPERTY_LENGTH:
                parts.append(line[1:])
                length += len(line)
            continue
        if parts:
            yield first, "".join(parts)
        first, parts, length = number, [line] if line.strip() else [], len(line)
    if parts:
        yield first, "".join(parts)
