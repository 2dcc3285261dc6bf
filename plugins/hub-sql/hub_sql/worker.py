"""What a worker process imports: the judge, and sqlglot at once, so that reading it does not count as judging."""

from __future__ import annotations

import contextlib

from hub_sql.judging import judge

with contextlib.suppress(ImportError):  # without it there are fewer warnings
    import sqlglot.dialects.sqlite
    import sqlglot.expressions  # noqa: F401

__all__ = ["judge"]
