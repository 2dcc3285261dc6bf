"""What a query that runs may still have wrong, as warnings: they never decide.

sqlglot reads the tree here and nothing else: whether a query is valid is SQLite's word, which knows what sqlglot lets pass.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any

from hub_sql.schema import Column, Schema
from hub_sql.tokens import code, depths

LONGEST = 5000
"""Characters of a query whose tree is read."""
SENTENCES = {
    "column_order": "Las columnas están en otro orden que en la referencia.",
    "double_quoted_text": "Los textos van entre comillas simples; entre comillas dobles SQLite busca primero una columna.",
    "bare_columns": "Una columna del SELECT no está en GROUP BY ni en una función de agregación: SQLite toma la de una fila cualquiera.",
    "text_numbers": "La columna guarda números como texto: MAX, MIN y ORDER BY los comparan letra por letra.",
    "limit_ties": "LIMIT corta un empate: quedan fuera filas con el mismo valor.",
    "limit_without_order": "LIMIT sin ORDER BY devuelve unas filas cualesquiera.",
    "nulls_first": "En SQLite los NULL van primero al ordenar de menor a mayor.",
    "now": "El resultado depende del día en que se ejecute.",
    "empty_result": "Si no hay filas que contar o sumar, tu consulta y la esperada dan NULL, 0 o ninguna fila, no lo mismo.",
}
"""Warning -> one sentence for the learner."""


def lint(query: str, schema: Schema | None) -> list[str]:
    """Codes of what the text of a query shows."""
    warnings = []
    found = code(query)
    outer = {token.upper for token, depth in zip(found, depths(found), strict=True) if depth == 0 and token.kind == "word"}
    if "LIMIT" in outer and "ORDER" not in outer:
        warnings.append("limit_without_order")
    if is_unstable(query):
        warnings.append("now")
    if len(query) <= LONGEST:
        with contextlib.suppress(Exception):  # a parser of another's on untrusted text: a warning less is no harm
            warnings += _from_tree(query, schema)
    return list(dict.fromkeys(warnings))


def is_unstable(query: str) -> bool:
    """Whether the query asks for the date or time of today."""
    found = code(query)
    return any(
        (token.kind == "string" and token.value.strip().lower() == "now")
        or (token.kind == "word" and token.upper in ("CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP"))
        or (
            token.upper in ("DATE", "TIME", "DATETIME", "JULIANDAY", "UNIXEPOCH")
            and [other.text for other in found[place + 1 : place + 3]] == ["(", ")"]
        )
        for place, token in enumerate(found)
    )


def _from_tree(query: str, schema: Schema | None) -> list[str]:
    import sqlglot
    from sqlglot import expressions as exp

    tree = sqlglot.parse_one(query, read="sqlite")
    warnings = []
    for select in tree.find_all(exp.Select):
        if _has_bare_columns(select, schema, exp):
            warnings.append("bare_columns")
        for compared in _compared(select, exp):
            column = _column(compared, select, schema, exp)
            if column is not None and column.kind == "text" and column.pool and all(_NUMBER.match(value) for value in column.pool):
                warnings.append("text_numbers")
    return warnings


_NUMBER = re.compile(r"\s*-?\d+(?:\.\d+)?\s*\Z")


def _has_bare_columns(select: Any, schema: Schema | None, exp: Any) -> bool:
    group = select.args.get("group")
    aggregates = [found for item in select.expressions for found in item.find_all(exp.AggFunc) if _is_own(found, select, exp)]
    if group is None and not aggregates:
        return False
    if len(aggregates) == 1 and isinstance(aggregates[0], (exp.Min, exp.Max)):
        return False  # SQLite takes the other columns from the row that has it, and says so
    grouped = list(group.expressions) if group is not None else []
    texts: set[str] = set()
    names: set[str] = set()
    for item in grouped:
        if isinstance(item, exp.Literal) and item.is_int and 0 < int(item.this) <= len(select.expressions):
            item = select.expressions[int(item.this) - 1].unalias()
        texts.add(item.sql().lower())
        if isinstance(item, exp.Column):
            names.add(item.name.lower())
            if _is_key(item, select, schema, exp):
                return False  # the key of a table decides its other columns
    aliases = {item.alias.lower() for item in select.expressions if item.alias} & {item.name.lower() for item in grouped}
    for item in select.expressions:
        if item.alias_or_name.lower() in aliases or item.unalias().sql().lower() in texts:
            continue
        for column in item.find_all(exp.Column):
            if (
                _is_own(column, select, exp)
                and column.sql().lower() not in texts
                and column.name.lower() not in names
                and not _is_aggregated(column, select, exp)
            ):
                return True
    return False


def _is_own(node: Any, select: Any, exp: Any) -> bool:
    """Whether the node belongs to this SELECT, not to one inside it, and is no window function."""
    return node.find_ancestor(exp.Select) is select and not isinstance(node.parent, exp.Window)


def _is_aggregated(column: Any, select: Any, exp: Any) -> bool:
    parent = column.parent
    while parent is not None and parent is not select:
        if isinstance(parent, (exp.AggFunc, exp.Window)):
            return True
        parent = parent.parent
    return False


def _compared(select: Any, exp: Any) -> list[Any]:
    """Columns in MAX, MIN and ORDER BY."""
    found = [node.this for node in select.find_all(exp.Max, exp.Min)]
    order = select.args.get("order")
    if order is not None:
        found += [item.this for item in order.expressions]
    return [node for node in found if isinstance(node, exp.Column)]


def _tables(select: Any, exp: Any) -> dict[str, str]:
    """Alias or name -> name, in small letters, of the tables of one SELECT."""
    return {
        table.alias_or_name.lower(): table.name.lower() for table in select.find_all(exp.Table) if table.find_ancestor(exp.Select) is select
    }


def _column(column: Any, select: Any, schema: Schema | None, exp: Any) -> Column | None:
    if schema is None:
        return None
    tables = _tables(select, exp)
    names = [tables[column.table.lower()]] if column.table and column.table.lower() in tables else list(tables.values())
    for name in names:
        table = schema.tables.get(name)
        position = table.column(column.name) if table else None
        if table is not None and position is not None:
            return table.columns[position]
    return None


def _is_key(column: Any, select: Any, schema: Schema | None, exp: Any) -> bool:
    if schema is None:
        return False
    tables = _tables(select, exp)
    for name in [tables[column.table.lower()]] if column.table and column.table.lower() in tables else list(tables.values()):
        table = schema.tables.get(name)
        position = table.column(column.name) if table else None
        if table is not None and position is not None and ((position,) in table.keys or (position,) in table.seen_keys):
            return True
    return False
