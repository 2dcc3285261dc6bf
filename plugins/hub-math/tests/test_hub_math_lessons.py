"""Answers as teachers and learners of Mexico, Argentina and Spain write them, each with the verdict of a careful teacher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hub_math.judge import case_of, judge

from adapters_hub import Attempt, Message

LESSONS = [json.loads(line) for line in (Path(__file__).parent / "spanish_lessons.jsonl").read_text(encoding="utf-8").splitlines()]


def outcome(row: dict[str, Any]) -> str:
    messages = (Message("user", row["question"]),) if "question" in row else ()
    return judge(case_of(Attempt(messages, row["answer"], row.get("expected"), "es", locale=row["locale"]))).outcome


CHUNKS = [pytest.param(LESSONS[start : start + 100], id=f"{start + 1}-{start + 100}") for start in range(0, len(LESSONS), 100)]


@pytest.mark.parametrize("rows", CHUNKS)
def test_no_answer_is_judged_against_the_teacher(rows: list[dict[str, Any]]) -> None:
    found = [(row, outcome(row)) for row in rows]
    against = [(row["answer"], said) for row, said in found if said not in (row["teacher"], "unverified")]
    lost = [row["answer"] for row, said in found if row["verdict"] != "unverified" and said == "unverified"]
    assert (against, lost) == ([], [])
