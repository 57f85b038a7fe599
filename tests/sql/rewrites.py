"""BigQuery SQL as the reference implementation can take it. Two kinds of change, nothing else:

`dotted` writes a table path as one quoted name (`p`.`d`.`t` → `p.d.t`): the evaluator gives rows only to top-level
tables, and BigQuery reads both the same. `exact` puts an exact form for an aggregate that the reference lacks; it is
applied only where a query is evaluated, and what it changes is compared with a tolerance.
"""

import re
from collections.abc import Iterable

# Nearest rank: value number ceil(k/n * count) of the sorted non-NULL ones, in integers so that no rank is rounded.
QUANTILE = "ARRAY_AGG({x} IGNORE NULLS ORDER BY {x})[SAFE_OFFSET(GREATEST(DIV({k}*COUNT({x})+{n}-1,{n})-1,0))]"


def dotted(sql: str, tables: Iterable[str]) -> str:
    """Every path to one of `tables` (names such as `p.d.t`) as one quoted name. Lines stay where they are."""
    for name in sorted(tables, key=len, reverse=True):
        path = r"\.".join(f"`?{re.escape(part)}`?" for part in name.split("."))
        sql = re.sub(rf"(?<![\w.`]){path}(?![\w.`])", f"`{name}`", sql)
    return sql


def exact(sql: str) -> str:
    """APPROX_QUANTILES(x, n)[OFFSET(k)] and APPROX_COUNT_DISTINCT(x) as their exact forms."""
    sql = re.sub(r"(?i)\bapprox_count_distinct\s*\(", "COUNT(DISTINCT ", sql)
    while call := re.search(r"(?i)\bapprox_quantiles\s*\(", sql):
        (x, n), end = _arguments(sql, call.end())
        k = re.match(r"(?i)\s*\[\s*(?:safe_)?offset\s*\(\s*(\d+)\s*\)\s*\]", sql[end:])
        if not k:
            raise NotImplementedError("APPROX_QUANTILES without [OFFSET(k)]: read one boundary at a time")
        sql = sql[: call.start()] + QUANTILE.format(x=x, n=n, k=k[1]) + sql[end + k.end() :]
    return sql


def _arguments(sql: str, start: int) -> tuple[list[str], int]:
    """Arguments of the call whose first one begins at `start`, and where the text after its `)` begins."""
    depth, argument_start, arguments = 1, start, []
    for token in re.finditer(r"'[^']*'|\"[^\"]*\"|`[^`]*`|[(),\[\]]", sql[start:]):
        text, at = token[0], start + token.start()
        depth += (text in "([") - (text in ")]")
        if depth == 0 or (text == "," and depth == 1):
            arguments.append(sql[argument_start:at].strip())
            argument_start = at + 1
        if depth == 0:
            return arguments, at + 1
    raise ValueError(f"no closing parenthesis after {sql[start : start + 40]!r}")
