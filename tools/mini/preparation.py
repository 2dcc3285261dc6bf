"""From a corpus folder to a tokenizer and packed rows in the work folder.

Knows how corpus, conversations, tokenizer and packing fit together. Deliberately knows nothing of the model.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

from transformers import PreTrainedTokenizerFast

from . import corpus
from .conversations import Conversation, asks_held_out, generate_conversations, make_conversation
from .packing import Pools, Weighted, fitting, load_rows, pack_text, pack_whole, save_rows
from .sheet_arithmetic import arithmetic_sheet
from .sheet_copies import copy_sheet
from .sheet_functions import function_sheet
from .sheet_queries import query_sheet
from .sheets import Lexicon, Sheet, lexicon
from .tokenizer import ASSISTANT, END, MARKERS, SYSTEM, USER, load_tokenizer, save_tokenizer, train_tokenizer

HELD_OUT_CONVERSATIONS = 300
TOKENIZER_CHARACTERS = 12_000_000
ENCODE_BATCH = 256
POOL_NAMES = ("text", "chat", "sheets")
SPEAKERS = {MARKERS.index(SYSTEM): False, MARKERS.index(USER): False, MARKERS.index(ASSISTANT): True}
"""marker token -> whether what stands behind it is to be learnt"""
SHEET_MAKERS = (arithmetic_sheet, function_sheet, query_sheet, copy_sheet)
SHEET_SHARES = (0.42, 0.34, 0.12, 0.12)
"""of the worksheets, in the order of SHEET_MAKERS"""


class PreparationError(ValueError):
    """The rows cannot be made or read back as asked; the message says what to do next."""


@dataclass(frozen=True)
class Origin:
    """What rows were made from: they serve another run only where all of it is the same."""

    corpus: str
    """SHA-256 of the names and contents of the corpus files"""
    held_out: str
    """SHA-256 of what is known of the evaluation questions"""
    tokenizer: str
    """SHA-256 of the tokenizer that was given, or empty where one was learnt"""
    length: int
    """tokens a row"""
    conversations: int
    """conversations to generate"""
    sheets: int
    """worksheets to generate"""
    seed: int
    """of all that is drawn"""


ORIGIN_OPTIONS = {"tokenizer": "--grow-from", "held_out": "--held-out"}
"""fields of Origin -> options of the command, where they are called otherwise"""


@dataclass(frozen=True)
class PreparationReport:
    """What went into the rows."""

    held_out_files: int
    """eval.jsonl files found below --held-out"""
    held_out_questions: int
    """questions in them"""
    documents_dropped: int
    """corpus documents that share a run of words with a question, or are nothing but formulas of questions"""
    lines_dropped: int
    """lines of the other documents that hold a formula of a question"""
    conversations_dropped: int
    """conversations that do, that nearly ask a question, or that hold the function or query it wants"""
    conversations_too_long: int
    """conversations that no row can hold"""
    sheets_dropped: int
    """worksheets left out for the reasons that conversations are"""
    sheets_too_long: int
    """worksheets that no row can hold"""
    documents: int
    """corpus documents read, repetitions not counted"""
    conversations: int
    """conversations kept for training"""
    text_tokens: int
    """tokens of one pass of the weighted corpus, padding not counted"""
    chat_tokens: int
    """tokens of the conversations kept"""
    sheets: int
    """worksheets kept for training"""
    sheet_tokens: int
    """tokens of the worksheets kept"""
    characters_per_token: float
    """of the weighted corpus"""


@dataclass(frozen=True)
class Prepared:
    """Everything that training reads."""

    tokenizer: PreTrainedTokenizerFast
    """already saved in the work folder"""
    pools: Pools
    """rows of the corpus, of conversations and of worksheets"""
    held_out: dict[str, list[str]]
    """kind -> texts never trained on; conversations are rendered"""
    report: PreparationReport
    """counts"""


def prepare(
    folder: Path,
    work: Path,
    length: int,
    conversations: int,
    seed: int,
    held_out: Path | None,
    known: PreTrainedTokenizerFast | None = None,
    sheets: int = 0,
) -> Prepared:
    """Tokenizer and rows, written into `work`; a second call with the same arguments reads them back.

    With `known`, the tokenizer of a model that is to be trained on, no tokenizer is learnt. Raises PreparationError when `work`
    holds rows that were made from something else, or when `held_out` holds no question.
    """
    questions = held_out_questions(held_out)
    origin = Origin(_digest_of_files(folder), _digest_of_questions(questions), _digest_of(known), length, conversations, sheets, seed)
    if (work / "prepared.json").is_file():
        return _read(work, origin)
    work.mkdir(parents=True, exist_ok=True)

    # 1. the corpus
    train, aside, counts = read_training_texts(folder, seed, questions)

    # 2. the conversations: contaminated ones out, a few aside
    chats = list(generate_conversations(conversations, seed, questions))
    trained = {str(chat) for chat in chats}
    aside_chats = _fresh_conversations(Random(seed + 1_000_003), trained, HELD_OUT_CONVERSATIONS, questions)

    # 3. the tokenizer, on the mix it will serve
    tokenizer = known or train_tokenizer(_sample(train, chats, Random(seed)))
    save_tokenizer(tokenizer, work / "tokenizer")
    aside["charla"] = [tokenizer.apply_chat_template(chat, tokenize=False) for chat in aside_chats]

    # 4. the worksheets, with names of the corpus's own words
    papers = list(generate_sheets(sheets, seed, lexicon(train), questions)) if sheets else []

    # 5. the rows
    text_ids = list(_encode(tokenizer, (text + END for text in train)))
    chat_ids = list(_encode(tokenizer, (tokenizer.apply_chat_template(chat, tokenize=False) for chat in chats)))
    kept_chats = fitting(zip(chat_ids, map(told_by_assistant, chat_ids), strict=True), length)
    kept_sheets = fitting(weighted_sheets(tokenizer, papers), length)
    pools = Pools(pack_text(text_ids, length), pack_whole(kept_chats, length), pack_whole(kept_sheets, length), digits(tokenizer))
    text_tokens = sum(map(len, text_ids))
    report = PreparationReport(
        held_out_files=questions.files,
        held_out_questions=questions.questions,
        documents_dropped=counts["dropped"],
        lines_dropped=counts["lines_dropped"],
        conversations_dropped=conversations - len(chats),
        conversations_too_long=len(chats) - len(kept_chats),
        sheets_dropped=sheets - len(papers),
        sheets_too_long=len(papers) - len(kept_sheets),
        documents=counts["documents"],
        conversations=len(kept_chats),
        text_tokens=text_tokens,
        chat_tokens=sum(len(ids) for ids, _ in kept_chats),
        sheets=len(kept_sheets),
        sheet_tokens=sum(len(ids) for ids, _ in kept_sheets),
        characters_per_token=round(sum(map(len, train)) / max(1, text_tokens), 3),
    )
    for name in POOL_NAMES:
        save_rows(work / f"{name}.npz", getattr(pools, name))
    (work / "held_out.json").write_text(json.dumps(aside, ensure_ascii=False), encoding="utf-8")
    told = {"origin": asdict(origin), "report": asdict(report)}
    (work / "prepared.json").write_text(json.dumps(told, indent=2), encoding="utf-8")  # last: its presence says the rest is whole
    return Prepared(tokenizer, pools, aside, report)


def held_out_questions(folder: Path | None) -> corpus.HeldOutQuestions:
    """The questions of every eval.jsonl below `folder`; None says on purpose that nothing is to be kept out."""
    questions = corpus.read_held_out_questions(folder)
    if folder and not questions.questions:
        raise PreparationError(
            f"no eval.jsonl with questions below {folder}: give --held-out the folder of your tutors, "
            "or --no-held-out to keep nothing out of the training text"
        )
    return questions


def read_training_texts(
    folder: Path, seed: int, questions: corpus.HeldOutQuestions
) -> tuple[list[str], dict[str, list[str]], Counter[str]]:
    """Of a corpus: the texts of one weighted pass in training order, the held-out ones by kind, and counts.

    Counted are 'documents' that are read, those 'dropped', and 'lines_dropped' of the documents that are read."""
    rng = Random(seed)
    train: list[str] = []
    aside: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for document in corpus.read_corpus(folder):
        text = questions.without_formulas(document.text)
        if questions.touch(document.text) or not text:
            counts["dropped"] += 1
        elif corpus.is_held_out(document):
            aside.setdefault(document.kind, []).append(document.text)
        else:
            counts["documents"] += 1
            counts["lines_dropped"] += document.text.count("\n") - text.count("\n")
            train += [text] * corpus.repetitions(document, rng.random())
    rng.shuffle(train)
    return train, aside, counts


def generate_sheets(count: int, seed: int, words: Lexicon, questions: corpus.HeldOutQuestions) -> Iterator[Sheet]:
    """`count` worksheets less those with a line that is nearly an evaluation question, and those that hold what one wants."""
    rng = Random(seed)
    for _ in range(count):
        sheet = rng.choices(SHEET_MAKERS, SHEET_SHARES)[0](rng, words)
        text = "".join(part.text for part in sheet)
        if not (questions.are_answered_by(text) or questions.touch(text) or any(map(questions.are_asked_by, text.splitlines()))):
            yield sheet


def digits(tokenizer: PreTrainedTokenizerFast) -> tuple[int, ...]:
    """The tokens of the digits 0 to 9."""
    return tuple(tokenizer.convert_tokens_to_ids(list("0123456789")))


def told_by_assistant(ids: list[int]) -> list[bool]:
    """Which tokens of a rendered conversation come after a marker of the assistant, the marker included."""
    told, speaking = [], True
    for token in ids:
        if token in SPEAKERS:
            speaking = SPEAKERS[token]
        told.append(speaking)
    return told


def weighted_sheets(tokenizer: PreTrainedTokenizerFast, sheets: list[Sheet]) -> Iterator[Weighted]:
    """Token ids of every worksheet and which of them follow; a token belongs to the part in which it ends."""
    for first in range(0, len(sheets), ENCODE_BATCH):
        some = sheets[first : first + ENCODE_BATCH]
        texts = ["".join(part.text for part in sheet) + END for sheet in some]
        encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)
        for sheet, text, ids, offsets in zip(some, texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
            follows = [part.follows for part in sheet for _ in part.text]
            follows += [True] * (len(text) - len(follows))
            yield ids, [follows[end - 1] for _, end in offsets]


def read_origin(work: Path) -> Origin:
    """What the rows of a work folder were made from. Raises PreparationError where that is not known."""
    return _read_origin_and_report(work)[0]


def _read(work: Path, wanted: Origin) -> Prepared:
    origin, report = _read_origin_and_report(work)
    was, now = asdict(origin), asdict(wanted)
    if differing := [name for name in now if now[name] != was[name]]:
        told = "; ".join(f"{ORIGIN_OPTIONS.get(name, f'--{name}')}: {_shown(was[name])}, now {_shown(now[name])}" for name in differing)
        raise PreparationError(f"{work} holds rows made from something else ({told}): choose another --work, or give what it was made from")
    tokenizer = load_tokenizer(work / "tokenizer")
    text, chat, sheets = (load_rows(work / f"{name}.npz") for name in POOL_NAMES)
    aside = json.loads((work / "held_out.json").read_text(encoding="utf-8"))
    return Prepared(tokenizer, Pools(text, chat, sheets, digits(tokenizer)), aside, report)


def _read_origin_and_report(work: Path) -> tuple[Origin, PreparationReport]:
    path = work / "prepared.json"
    needed = (path, work / "held_out.json", work / "tokenizer", *(work / f"{name}.npz" for name in POOL_NAMES))
    missing = [needed_path.name for needed_path in needed if not needed_path.exists()]
    try:
        told = {} if missing else json.loads(path.read_text(encoding="utf-8"))
        return Origin(**told["origin"]), PreparationReport(**told["report"])
    except (KeyError, TypeError, json.JSONDecodeError) as error:  # written by another state of this program, or not to its end
        lacks = ", ".join(missing) or f"what {path.name} has to tell"
        raise PreparationError(
            f"the rows of {work} are of another version of this program or incomplete (it lacks {lacks}): "
            "choose another --work, or remove that folder to make them anew"
        ) from error


def _shown(value: int | str) -> str:
    """A number as it is, a digest as its beginning."""
    return value[:8] or "none" if isinstance(value, str) else str(value)


def _digest_of_files(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")]):
        digest.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()


def _digest_of_questions(questions: corpus.HeldOutQuestions) -> str:
    if not questions.questions:
        return ""
    told = {field.name: _ordered(getattr(questions, field.name)) for field in fields(questions)}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _digest_of(tokenizer: PreTrainedTokenizerFast | None) -> str:
    return hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest() if tokenizer else ""


def _ordered(value: Any) -> Any:
    """Sets as sorted lists, so that equal questions always have the same text."""
    if isinstance(value, (frozenset, tuple)):
        inner = [_ordered(one) for one in value]
        return sorted(inner) if isinstance(value, frozenset) else inner
    return value


def _fresh_conversations(rng: Random, known: set[str], count: int, questions: corpus.HeldOutQuestions) -> list[Conversation]:
    fresh: list[Conversation] = []
    while len(fresh) < count:
        conversation = make_conversation(rng)
        if str(conversation) not in known and not asks_held_out(conversation, questions):
            fresh.append(conversation)
    return fresh


def _sample(texts: list[str], chats: list[Conversation], rng: Random) -> Iterator[str]:
    """Up to TOKENIZER_CHARACTERS of text, and a quarter as much of conversations."""
    budget = TOKENIZER_CHARACTERS
    for text in texts:
        if budget < 0:
            break
        budget -= len(text)
        yield text
    budget = TOKENIZER_CHARACTERS // 4
    for chat in rng.sample(chats, len(chats)):
        if budget < 0:
            break
        for message in chat:
            budget -= len(message["content"])
            yield message["content"]


def _encode(tokenizer: PreTrainedTokenizerFast, texts: Iterator[str]) -> Iterator[list[int]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == ENCODE_BATCH:
            yield from tokenizer(batch, add_special_tokens=False)["input_ids"]
            batch = []
    if batch:
        yield from tokenizer(batch, add_special_tokens=False)["input_ids"]
