"""A progress bar as the client of the Hub wants one, which shows nothing and tells how many bytes are here. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def byte_counter(progress: Callable[[int], None]) -> Any:
    """The class; ``progress`` is told the bytes that are here, those of an earlier try included."""
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    class Counter(tqdm):  # type: ignore[misc,unused-ignore]
        def __init__(self, *arguments: Any, initial: int = 0, **options: Any) -> None:
            super().__init__(*arguments, **{**options, "disable": True})
            self.here = initial

        def update(self, n: float | None = 1) -> None:
            """``n`` more bytes have come."""
            self.here += int(n or 0)
            progress(self.here)

    return Counter
