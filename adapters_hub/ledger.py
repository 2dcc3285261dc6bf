"""The ledger of an evaluation under way: every answer and verdict is on its way to the disk as soon as it is there.

An evaluation that is cut off goes on from it. Knows nothing of questions, engines and validators.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adapters_hub.errors import from_os_error
from adapters_hub.types import Verdict
from adapters_hub.workspace import shown

PARTIAL = "eval.partial"
SCHEMA = 1

Key = tuple[int, str, int]
"""Row, side and number of the answer."""


@dataclass(frozen=True)
class Said:
    """An answer before it is judged."""

    text: str
    finish: str
    """``stop``, ``length``, ``cancelled``, or ``no_room`` where the question left no room in the context."""
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    """From the beginning of its batch to its last token."""


@dataclass(frozen=True)
class Spoken:
    """The answers of one batch."""

    said: Mapping[Key, Said]
    seconds: float
    """Time that the batch took."""


@dataclass
class Ledger:
    """The answers and verdicts so far, each on its way to the disk as soon as it is there.

    One JSON object a line: a header, then a whole batch of answers or one verdict. A line cut off by a crash does not count."""

    file: Path
    judge_digest: str
    """Verdicts of another judge are not taken over."""
    said: dict[Key, Said] = field(default_factory=dict)
    verdicts: dict[Key, Verdict] = field(default_factory=dict)
    tokens: int = 0
    seconds: float = 0.0
    _stream: Any = None

    @classmethod
    def opened(cls, folder: Path, fingerprint: str, *, judge: str) -> Ledger:
        """The ledger of that fingerprint in ``folder``, or a fresh one beside those of other evaluations."""
        header = {"schema": SCHEMA, "fingerprint": fingerprint}
        own = next((file for file in sorted(folder.glob(f"{PARTIAL}*.jsonl")) if _first_line(file) == header), None)
        first = folder / f"{PARTIAL}.jsonl"
        ledger = cls(own or (folder / f"{PARTIAL}.{fingerprint[:8]}.jsonl" if first.exists() else first), judge)
        lines = ledger._read() if own is not None else []
        try:
            draft = ledger.file.with_name(f".{ledger.file.name}")
            draft.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *lines)), encoding="utf-8")
            draft.replace(ledger.file)
            ledger._stream = ledger.file.open("a", encoding="utf-8")
        except OSError as error:
            raise from_os_error(error, f"write {shown(ledger.file)}") from error
        return ledger

    def add(self, spoken: Spoken) -> None:
        """Keep a batch of answers."""
        answers = [[*key, asdict(said)] for key, said in spoken.said.items()]
        self._write({"answers": answers, "seconds": spoken.seconds})
        self._take(spoken)

    def judge(self, key: Key, verdict: Verdict) -> None:
        """Keep a verdict."""
        self._write({"key": list(key), "verdict": asdict(verdict), "judge": self.judge_digest})
        self.verdicts[key] = verdict

    def take_over(self, spoken: Spoken) -> None:
        """Use these answers instead of what was kept."""
        self.said.clear()
        self.verdicts.clear()
        self.tokens, self.seconds = 0, 0.0
        self._take(spoken)

    def discard(self) -> None:
        """All is saved elsewhere."""
        self.close()
        self.file.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the file for the next time, unless nothing was said. Twice is fine."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
            if not self.said:
                self.file.unlink(missing_ok=True)

    def _take(self, spoken: Spoken) -> None:
        self.said.update(spoken.said)
        self.tokens += sum(said.completion_tokens for said in spoken.said.values())
        self.seconds += spoken.seconds

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._stream.flush()
        except OSError as error:
            raise from_os_error(error, f"write {shown(self.file)}") from error

    def _read(self) -> list[dict[str, Any]]:
        """The lines after the header that mean something, their content taken over."""
        lines = []
        for text in self.file.read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
            try:
                line = json.loads(text)
                if "answers" in line:
                    said = {(row, side, number): Said(**values) for row, side, number, values in line["answers"]}
                    self._take(Spoken(said, float(line["seconds"])))
                elif line["judge"] == self.judge_digest:
                    row, side, number = line["key"]
                    self.verdicts[row, side, number] = verdict_from(line["verdict"])
                lines.append(line)
            except (ValueError, KeyError, TypeError):  # cut off by a crash: that part is asked or judged again
                continue
        self.verdicts = {key: verdict for key, verdict in self.verdicts.items() if key in self.said}
        return lines


def _first_line(file: Path) -> Any:
    try:
        with file.open(encoding="utf-8", errors="replace") as stream:
            return json.loads(stream.readline(10_000))
    except (OSError, ValueError):  # not one of ours, or cut off before anything was kept
        return None


def verdict_from(values: Mapping[str, Any]) -> Verdict:
    """A verdict that was plain data. Raises TypeError for unknown fields."""
    span = values.get("span")
    return Verdict(**{**values, "span": tuple(span) if span else None, "warnings": tuple(values.get("warnings") or ())})
