"""Small examples that the tests of rows, splits and near-duplicates share."""

from __future__ import annotations

from adapters_hub.types import Example, Message


def asked(question: str, answer: str = "Una respuesta.", where: str = "") -> Example:
    return Example((Message("user", question), Message("assistant", answer)), where=where)
