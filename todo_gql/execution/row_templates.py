"""The expressions that compiled selections consist of, for many rows and for a single one.

In the templates `index` is a field's index in the selection and `column` a column's in the row;
`values` is the name of a field's values. The letters of the names that they form:

    c  a column of the rows
    f  a function of the row type; v  what it returned
    k  the expected types of values; g  the check that one is within its scalar's range
    n  the names of an enum's members, by the ids of these
    s  the serializer of a scalar; t  all that it serialized; i  an iterator over that; w  one
       field's part of it
    m  nested objects
    x  a cell of an object
"""

from typing import Final, NamedTuple


class Templates(NamedTuple):
    """Expressions of Python, with their variable parts in braces."""

    # The columns of the rows, which are sequences or mappings.
    columns: str
    columns_by_name: str
    # A column's values, converted by a function of the row type; what one returns for each row.
    converted: str
    computed: str
    # The names of members of an enum.
    enum: str
    # Conditions: the values are of the expected types, and within the scalar's range.
    are_expected: str
    are_in_range: str
    are_null_or_in_range: str
    # All rows in the lists of a column; and the nested objects as lists again.
    nested_rows: str
    nested: str
    # All non-null values of several columns as one list, which is made of these parts.
    present: str
    part: str
    nullable_part: str
    # A column's values from the shared iterator over serialized values.
    next: str
    nullable_next: str
    # A column that isn't compiled, an argument of the function.
    other_column: str
    # One cell of an object; all objects, and all objects that consist of constants.
    cell: str
    objects: str
    constant_objects: str


COLUMNS: Final = Templates(
    columns="zip(*rows, strict=True)",
    # By key, since mappings may have the same keys in another order.
    columns_by_name="zip(*([row[one] for one in columns] for row in rows), strict=True)",
    converted="list(map(f{index}, c{column}))",
    computed="[f{index}(row, *extras) for row in rows]",
    enum="map(n{index}, map(id, {values}))",
    are_expected="k{index}.issuperset(map(type, {values}))",
    are_in_range="all(map(g{index}, {values}))",
    are_null_or_in_range="all(map(g{index}, [x for x in {values} if x is not None]))",
    nested_rows="list(chain(c{column}))",
    nested="split(m{index}, c{column})",
    present="[{parts}]",
    part="*{values}, ",
    nullable_part="*[x for x in {values} if x is not None], ",
    next="list(islice(i{key}, len(rows)))",
    nullable_next="[None if x is None else next(i{key}) for x in {values}]",
    other_column="other_columns[{number}]",
    cell="x{index}",
    objects="[{object} for {cells}in zip({values})]",
    constant_objects="[{object} for _ in rows]",
)
"""For many rows: works on whole columns."""

SINGLE_ROW: Final = Templates(
    columns="rows[0]",
    columns_by_name="[rows[0][one] for one in columns]",
    converted="f{index}(c{column})",
    computed="f{index}(rows[0], *extras)",
    enum="n{index}(id({values}))",
    are_expected="type({values}) in k{index}",
    are_in_range="g{index}({values})",
    are_null_or_in_range="{values} is None or g{index}({values})",
    nested_rows="list(c{column})",
    nested="m{index}",
    present="[x for x in ({parts}) if x is not None]",
    part="{values}, ",
    nullable_part="{values}, ",
    next="next(i{key})",
    nullable_next="None if {values} is None else next(i{key})",
    other_column="other_columns[{number}][0]",
    cell="{values}",
    objects="[{object}]",
    constant_objects="[{object}]",
)
"""For a single row: works on its values."""
