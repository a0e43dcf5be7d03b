"""The SQL that is DuckDB's own. Everything else in this folder's SQL is portable.

Column and table names in SQL come from here and from struct fields, never from a caller; values are
always bound parameters.
"""


def read_lines(columns: dict[str, str], longest: int) -> str:
    """Return a table expression over a file of JSON lines; its one parameter is the path.

    Args:
        columns: Column -> type; nested JSON is read whole as type `JSON`.
        longest: Bytes of the longest line. The engine takes buffers of twice this size.
    """
    types = ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items())
    return (
        f"read_json(?, format = 'newline_delimited', columns = {{{types}}}, "
        f"maximum_object_size = {max(longest + 1, 1_048_576)})"
    )


def any_of(column: str) -> str:
    """Return a condition that a column is in a list, which is one bound parameter."""
    return f"{column} IN (SELECT unnest(?))"


def contains_text(column: str) -> str:
    """Return a condition that a column holds a text, upper and lower case alike."""
    return f"contains(lower({column}), lower(?))"


def bucket_number(column: str) -> str:
    """Return the number of a time step; parameters: start of the axis and length of a step."""
    return f"({column} - ?) // ?"


def value_at_smallest(value: str, key: str) -> str:
    """Return an aggregate: `value` of the row whose `key` is smallest."""
    return f"arg_min({value}, {key})"


def distinct_list(column: str) -> str:
    """Return an aggregate: the sorted distinct values of a column, without NULL."""
    return f"list_sort(list(DISTINCT {column}) FILTER ({column} IS NOT NULL))"


def random_value(column: str) -> str:
    """Return the sortable random value of a trace id, as `store.thinning` reads it."""
    return f"('0' || right({column}, 14))"
