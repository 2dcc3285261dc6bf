"""From a corpus folder to a tokenizer and packed rows in the work folder.

Knows how corpus, conversations, tokenizer and packing fit together. Deliberately knows nothing of the model.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from transformers import PreTrainedTokenizerFast

from . import corpus
from .conversations import Conversation, asks_held_out, generate_conversations, make_conversation
from .packing import Pools, Weighted, load_rows, pack_text, pack_whole, save_rows
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


@dataclass(frozen=True)
class PreparationReport:
    """What went into the rows."""

    held_out_files: int
    """eval.jsonl files found below --held-out"""
    held_out_questions: int
    """questions in them"""
    documents_dropped: int
    """corpus documents that share a run of words with a question"""
    conversations_dropped: int
    """conversations that do, that nearly ask a question, or that hold the function or query it wants"""
    documents: int
    """corpus documents read, repetitions not counted"""
    conversations: int
    """conversations kept for training"""
    text_tokens: int
    """tokens of one pass of the weighted corpus"""
    chat_tokens: int
    """tokens of the conversations"""
    sheets: int
    """worksheets kept for training"""
    sheet_tokens: int
    """tokens of the worksheets"""
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
    """Tokenizer and rows, written into `work`; a second call with the same work folder reads them back.

    With `known`, the tokenizer of a model that is to be trained on, no tokenizer is learnt.
    """
    if (work / "prepared.json").is_file():
        return _read(work)
    work.mkdir(parents=True, exist_ok=True)
    questions = corpus.read_held_out_questions(held_out)
    rng = Random(seed)

    # 1. the corpus: contaminated documents out, held-out share aside, weights applied
    train: list[str] = []
    aside: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for document in corpus.read_corpus(folder):
        if questions.touch(document.text):
            counts["dropped"] += 1
        elif corpus.is_held_out(document):
            aside.setdefault(document.kind, []).append(document.text)
        else:
            counts["documents"] += 1
            train += [document.text] * corpus.repetitions(document, rng.random())
    rng.shuffle(train)

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
    sheet_ids = list(weighted_sheets(tokenizer, papers))
    pools = Pools(
        pack_text(text_ids, length),
        pack_whole(zip(chat_ids, map(told_by_assistant, chat_ids), strict=True), length),
        pack_whole(sheet_ids, length),
        digits(tokenizer),
    )
    text_tokens = sum(map(len, text_ids))
    report = PreparationReport(
        held_out_files=questions.files,
        held_out_questions=questions.questions,
        documents_dropped=counts["dropped"],
        conversations_dropped=conversations - len(chats),
        documents=counts["documents"],
        conversations=len(chats),
        text_tokens=text_tokens,
        chat_tokens=sum(map(len, chat_ids)),
        sheets=len(papers),
        sheet_tokens=sum(len(ids) for ids, _ in sheet_ids),
        characters_per_token=round(sum(map(len, train)) / max(1, text_tokens), 3),
    )
    for name in POOL_NAMES:
        save_rows(work / f"{name}.npz", getattr(pools, name))
    (work / "held_out.json").write_text(json.dumps(aside, ensure_ascii=False), encoding="utf-8")
    (work / "prepared.json").write_text(json.dumps(asdict(report), indent=2), encoding="utf-8")  # last: its presence says the rest is whole
    return Prepared(tokenizer, pools, aside, report)


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


def _read(work: Path) -> Prepared:
    tokenizer = load_tokenizer(work / "tokenizer")
    return Prepared(
        tokenizer,
        Pools(*(load_rows(work / f"{name}.npz") for name in POOL_NAMES), digits(tokenizer)),
        json.loads((work / "held_out.json").read_text(encoding="utf-8")),
        PreparationReport(**json.loads((work / "prepared.json").read_text(encoding="utf-8"))),
    )


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
