"""Documents and conversations as rows of token ids of one length, each token knowing its document and its weight in the loss.

Knows token ids and rows. Deliberately knows nothing of the model. Text is cut where a row ends; a conversation or a worksheet is
never cut, because an answer without its question teaches to answer anything.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

OPEN_ROWS = 24
Weighted = tuple[list[int], list[bool]]
"""token ids of a document, and which of them follow from what stands before"""


@dataclass(frozen=True)
class Rows:
    """A pool of training rows."""

    tokens: np.ndarray
    """(rows, length + 1) uint16 token ids"""
    documents: np.ndarray
    """(rows, length + 1) uint16: number of the document inside its row, from 1; 0 is padding"""
    follows: np.ndarray
    """(rows, length + 1) bool: whether the token counts fully in the loss; what is given (a question, a statement) counts little"""

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True)
class Pools:
    """The rows that a run reads, all of one length."""

    text: Rows
    """documents of the corpus"""
    chat: Rows
    """conversations"""
    sheets: Rows
    """worksheets"""
    figures: tuple[int, ...] = ()
    """the tokens that are digits"""


def pack_text(documents: Iterable[list[int]], length: int) -> Rows:
    """Lay documents end to end and cut every `length + 1` tokens; an incomplete last row is padded."""
    tokens = [np.asarray(document, np.uint16) for document in documents]
    if not tokens:
        return _empty(length)
    stream = np.concatenate(tokens)
    numbers = np.repeat(np.arange(len(tokens), dtype=np.int64), [len(t) for t in tokens])
    width = length + 1
    rows = -(-len(stream) // width)
    padded, owners = np.zeros(rows * width, np.uint16), np.full(rows * width, -1, np.int64)
    padded[: len(stream)], owners[: len(stream)] = stream, numbers
    grid = owners.reshape(rows, width)
    local = np.where(grid >= 0, grid - grid[:, :1] + 1, 0)
    return Rows(padded.reshape(rows, width), local.astype(np.uint16), np.ones((rows, width), np.bool_))


def fitting(documents: Iterable[Weighted], length: int) -> list[Weighted]:
    """The documents of at most `length + 1` tokens: those that a row can hold whole."""
    return [document for document in documents if len(document[0]) <= length + 1]


def pack_whole(documents: Iterable[Weighted], length: int) -> Rows:
    """Put whole conversations or worksheets into the fullest of a few open rows that has room; those not `fitting` are left out."""
    width = length + 1
    closed: list[list[Weighted]] = []
    open_rows: list[tuple[int, list[Weighted]]] = []
    for document in fitting(documents, length):
        ids = document[0]
        roomy = [k for k, (used, _) in enumerate(open_rows) if used + len(ids) <= width]
        if roomy:
            best = max(roomy, key=lambda k: open_rows[k][0])
            used, members = open_rows[best]
            members.append(document)
            open_rows[best] = (used + len(ids), members)
        else:
            open_rows.append((len(ids), [document]))
        if len(open_rows) > OPEN_ROWS:
            fullest = max(range(len(open_rows)), key=lambda k: open_rows[k][0])
            closed.append(open_rows.pop(fullest)[1])
    closed += [members for _, members in open_rows]
    rows = _empty(length, len(closed))
    for r, members in enumerate(closed):
        start = 0
        for number, (ids, follows) in enumerate(members, 1):
            rows.tokens[r, start : start + len(ids)] = ids
            rows.follows[r, start : start + len(ids)] = follows
            rows.documents[r, start : start + len(ids)] = number
            start += len(ids)
    return rows


def batch_rows(pool: int, first: int, count: int, seed: int) -> Iterator[int]:
    """Row numbers `first` to `first + count` of an endless shuffled reading of `pool` rows.

    A pure function of its arguments: resuming needs no state besides the step number.
    """
    for position in range(first, first + count):
        epoch, place = divmod(position, pool)
        yield int(_order(pool, seed, epoch)[place])


def save_rows(path: Path, rows: Rows) -> None:
    """Write a pool as .npz."""
    np.savez(path, tokens=rows.tokens, documents=rows.documents, follows=rows.follows)


def load_rows(path: Path) -> Rows:
    """Read a pool written by `save_rows`."""
    with np.load(path) as arrays:
        return Rows(arrays["tokens"], arrays["documents"], arrays["follows"])


@lru_cache(maxsize=4)
def _order(pool: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch, pool]).permutation(pool)


def _empty(length: int, rows: int = 0) -> Rows:
    shape = (rows, length + 1)
    return Rows(np.zeros(shape, np.uint16), np.zeros(shape, np.uint16), np.ones(shape, np.bool_))
