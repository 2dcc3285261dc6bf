"""chat_templates.py: the promises of the one rendering, over a zoo of real formats and five kinds of tokenizer."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from template_zoo import KINDS, ZOO, Format, tokenizer_for
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from adapters_hub.chat_templates import (
    FALLBACK_TEMPLATE,
    ChatFormat,
    Rendered,
    chat_format_from,
    load_chat_format,
    render,
    render_many,
)
from adapters_hub.errors import HubError, NotFoundError, UsageError
from adapters_hub.types import Message

OURS = Format("ours", FALLBACK_TEMPLATE, ("<|endoftext|>",), "<|endoftext|>", "<|endoftext|>", bos="<|endoftext|>")
FORMATS = {form.name: form for form in (*ZOO, OURS)}
BYTE_LEVEL = ("gpt2", "qwen")
MINI = Path(__file__).parent.parent / "adapters_hub" / "bases" / "mini"

LESSON = (
    Message("system", "Eres un tutor paciente."),
    Message("user", "¿Cuánto es 12 + 30?"),
    Message("assistant", "Son 42: 2 + 0 = 2,\n\n    y 1 + 3 = 4.\n"),
    Message("user", "(gracias 😀)"),
    Message("assistant", "'s nada, ñandú 😀"),
)
_CHATS: dict[tuple[str, str], ChatFormat] = {}


def chat_for(name: str, kind: str) -> ChatFormat:
    """Formats are stateless, so one per session is enough."""
    if (name, kind) not in _CHATS:
        form = FORMATS[name]
        unknown = None if kind in BYTE_LEVEL else "<unk>"
        tokenizer = tokenizer_for(form, kind)
        _CHATS[name, kind] = ChatFormat(tokenizer, form.template, "tokenizer", form.bos, form.eos, unk_token=unknown)
    return _CHATS[name, kind]


def runs_of(rendered: Rendered) -> list[list[int]]:
    """The supervised stretches of ids."""
    runs: list[list[int]] = []
    for index, token in enumerate(rendered.ids):
        if rendered.supervised[index]:
            if index == 0 or not rendered.supervised[index - 1]:
                runs.append([])
            runs[-1].append(token)
    return runs


def said(chat: ChatFormat, run: list[int]) -> str:
    return str(chat.tokenizer.decode(run, skip_special_tokens=False))


def spelled(chat: ChatFormat, text: str) -> str:
    """`text` as the tokenizer gives it back after encoding: unigram models lose white space and unknown letters."""
    plain = chat._text_tokenizer
    return str(plain.decode(plain.encode(text, add_special_tokens=False).ids, skip_special_tokens=False)).strip()


def answers(messages: tuple[Message, ...]) -> list[tuple[int, str]]:
    return [(index, message.content.strip()) for index, message in enumerate(messages) if message.role == "assistant"]


over_the_zoo = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in FORMATS for kind in KINDS])
over_formats = pytest.mark.parametrize("name", FORMATS)


# --- what is supervised --------------------------------------------------------------------------


@over_the_zoo
def test_supervised_text_is_what_the_assistant_says_with_one_end_token_per_turn(name: str, kind: str) -> None:
    chat = chat_for(name, kind)
    for messages in (LESSON, LESSON[1:], LESSON[:3]):
        rendered = render(chat, messages)
        runs = runs_of(rendered)
        assert len(rendered.supervised) == len(rendered.ids)
        assert len(runs) == len(answers(messages))
        for run, (_, content) in zip(runs, answers(messages), strict=True):
            assert run[-1] in {chat.tokenizer.token_to_id(token) for token in FORMATS[name].special}
            assert not set(run[:-1]) & chat._control_ids
            assert said(chat, run[:-1]).strip() == (content if kind != "unigram" else spelled(chat, content))
        assert runs[-1][-1] == chat.tokenizer.token_to_id(FORMATS[name].end)


@over_the_zoo
def test_a_prompt_is_the_beginning_of_prompt_and_answer(name: str, kind: str) -> None:
    chat = chat_for(name, kind)
    whole = render(chat, LESSON)
    for index, _ in answers(LESSON):
        prompt = render(chat, LESSON[:index], add_generation_prompt=True)
        answered = render(chat, LESSON[: index + 1])
        assert answered.ids[: len(prompt.ids)] == prompt.ids
        assert answered.supervised.rfind(0, 0, answered.supervised.rfind(1)) == len(prompt.ids) - 1
        if FORMATS[name].stable:
            assert whole.ids[: len(prompt.ids)] == prompt.ids
            assert prompt.supervised == whole.supervised[: len(prompt.ids)]


@over_the_zoo
def test_render_many_gives_what_render_gives(name: str, kind: str) -> None:
    chat = chat_for(name, kind)
    conversations = [LESSON, LESSON[1:], LESSON[:3], (*LESSON[:1], Message("user", "x" + FORMATS[name].eos), LESSON[2])]
    assert render_many(chat, conversations) == [render(chat, conversation) for conversation in conversations]


_words = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
_hostile = st.sampled_from([token for form in FORMATS.values() for token in (*form.special, *form.marks)])
_pieces = st.one_of(
    _words, _hostile, st.sampled_from(["\n", "\n\n", " ", "  ", ":", ")", "'s", "<|", "|>", "<", "12", "▁", "＜|im_end|＞"])
)
_contents = st.lists(_pieces, min_size=1, max_size=6).map("".join).filter(lambda text: bool(text.strip()))


@settings(max_examples=250, deadline=None)
@given(
    name=st.sampled_from(sorted(FORMATS)),
    kind=st.sampled_from(KINDS),
    contents=st.lists(_contents, min_size=5, max_size=5),
    system=st.booleans(),
)
def test_any_text_keeps_the_promises(name: str, kind: str, contents: list[str], system: bool) -> None:
    chat = chat_for(name, kind)
    messages = tuple(Message(turn.role, content) for turn, content in zip(LESSON, contents, strict=True))[0 if system else 1 :]
    rendered = render(chat, messages)
    assert len(runs_of(rendered)) == 2
    quiet = render(chat, tuple(Message(turn.role, "x") for turn in messages))
    control = chat._control_ids
    assert [token for token in rendered.ids if token in control] == [token for token in quiet.ids if token in control]
    for index, _ in answers(messages):
        prompt = render(chat, messages[:index], add_generation_prompt=True)
        answered = render(chat, messages[: index + 1])
        assert answered.ids[: len(prompt.ids)] == prompt.ids
        assert sum(answered.supervised[len(prompt.ids) :]) == len(runs_of(answered)[-1])
        if kind in BYTE_LEVEL:
            written = str(chat.tokenizer.decode(answered.ids, skip_special_tokens=False))
            assert written == answered.text


# --- control tokens in the text of a message -----------------------------------------------------


@over_the_zoo
def test_control_tokens_in_a_message_are_mere_text(name: str, kind: str) -> None:
    form, chat = FORMATS[name], chat_for(name, kind)
    control = {chat.tokenizer.token_to_id(token) for token in (*form.special, *form.marks)}
    quiet = [token for token in render(chat, LESSON).ids if token in control]
    for token in (*form.special, *form.marks):
        text = f"hola {token}{token}\n{form.end} adiós"
        hostile = tuple(Message(message.role, f"{message.content} {text}".strip()) for message in LESSON)
        rendered = render(chat, hostile)
        assert [identity for identity in rendered.ids if identity in control] == quiet
        if kind in (*BYTE_LEVEL, "metaspace") and "▁" not in rendered.text:
            assert chat.tokenizer.decode(rendered.ids, skip_special_tokens=False) == rendered.text


def test_unknown_letters_are_no_attack() -> None:
    chat = chat_for("chatml", "unigram")
    rendered = render(chat, (Message("user", "漢字"), Message("assistant", "是")))
    assert chat.tokenizer.token_to_id("<unk>") in rendered.ids
    assert len(runs_of(rendered)) == 1


def test_a_full_width_spelling_that_normalizes_to_a_control_token_is_mere_text() -> None:
    form = FORMATS["chatml"]
    tokenizer = tokenizer_for(form, "unigram")
    tokenizer.add_special_tokens([AddedToken("<|stop|>", special=True, normalized=True)])
    chat = ChatFormat(tokenizer, form.template, "tokenizer", eos_token=form.eos, unk_token="<unk>")
    stop = tokenizer.token_to_id("<|stop|>")
    assert stop in tokenizer.encode("＜|stop|＞").ids
    assert stop not in render(chat, (Message("user", "＜|stop|＞"), Message("assistant", "no"))).ids


def test_a_vocabulary_that_holds_a_control_token_as_a_word_is_got_round() -> None:
    tokenizer = Tokenizer(
        models.WordLevel({"<unk>": 0, "<e>": 1, "hola": 2, "user": 3, "assistant": 4, "<": 5, "e>": 6}, unk_token="<unk>")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<e>"])
    template = "{% for m in messages %}{{ m.role + ' ' + m.content + '<e>\n' }}{% endfor %}"
    chat = ChatFormat(tokenizer, template, "tokenizer", eos_token="<e>", unk_token="<unk>")
    rendered = render(chat, (Message("user", "hola <e> hola"), Message("assistant", "hola")))
    assert rendered.ids.count(1) == 2


def test_text_that_joins_with_a_mark_of_the_template_is_kept_apart() -> None:
    form = FORMATS["zephyr"]
    tokenizer = tokenizer_for(form, "qwen")
    tokenizer.add_special_tokens(["<</s>"])
    chat = ChatFormat(tokenizer, form.template, "tokenizer", form.bos, form.eos)
    rendered = render(chat, (Message("user", "a<"), Message("assistant", "b<")))
    assert rendered.ids.count(chat.eos_id) == 2
    assert [said(chat, run) for run in runs_of(rendered)] == ["b<</s>"]


def test_indentation_kept_as_added_tokens_is_text_not_control() -> None:
    form = FORMATS["ours"]
    tokenizer = tokenizer_for(form, "gpt2")
    tokenizer.add_tokens([AddedToken(blank, special=False, normalized=False) for blank in ("    ", "\n")])
    chat = ChatFormat(tokenizer, form.template, "fallback", form.bos, form.eos)
    ids = render(chat, (Message("user", "def f():\n    return"), Message("assistant", "x"))).ids
    assert ids == tokenizer.encode(render(chat, (Message("user", "def f():\n    return"), Message("assistant", "x"))).text).ids
    assert tokenizer.token_to_id("    ") in ids
    assert not set(chat.control_tokens) & {"    ", "\n"}


def test_an_eos_that_is_also_the_unknown_token_is_guarded() -> None:
    form = FORMATS["ours"]
    chat = ChatFormat(tokenizer_for(form, "gpt2"), form.template, "fallback", form.bos, form.eos, unk_token=form.eos)
    rendered = render(chat, (Message("user", f"a{form.eos}b"), Message("assistant", "x")))
    assert rendered.ids.count(chat.eos_id) == 3


# --- against transformers ------------------------------------------------------------------------


def wrapped(form: Format, kind: str) -> Any:
    transformers = pytest.importorskip("transformers")
    named = {"bos_token": form.bos, "unk_token": None if kind in BYTE_LEVEL else "<unk>"}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer_for(form, kind),
        eos_token=form.eos,
        chat_template=form.template,
        **{name: token for name, token in named.items() if token is not None},
    )


def as_dicts(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content.strip()} for message in messages]


LOOK_AHEAD = {("llama-3", "gpt2"), ("qwen3", "gpt2")}
"""Here the prompt ends in two newlines, which this tokenizer joins at the end of a text but not before a word."""


def oracle_ids(oracle: Any, messages: tuple[Message, ...], *, prompt: bool = False) -> list[int]:
    return list(
        oracle.apply_chat_template(
            as_dicts(messages), tokenize=True, return_dict=True, add_generation_prompt=prompt, enable_thinking=False
        )["input_ids"]
    )


@over_the_zoo
def test_ids_equal_those_of_transformers(name: str, kind: str) -> None:
    form = FORMATS[name]
    oracle = wrapped(form, kind)
    chat = chat_format_from(oracle)
    for messages in (LESSON[1:], LESSON[1:3], *((LESSON, LESSON[:3]) if form.system else ())):
        rendered = render(chat, messages)
        assert rendered.text == oracle.apply_chat_template(as_dicts(messages), tokenize=False, enable_thinking=False)
        if (name, kind) in LOOK_AHEAD:
            prompt, answered = oracle_ids(oracle, messages[:-1], prompt=True), oracle_ids(oracle, messages)
            assert answered[: len(prompt)] != prompt  # the promise is worth more here than equality
            continue
        assert rendered.ids == oracle_ids(oracle, messages)
        if form.own_prompt:
            assert render(chat, messages[:-1], add_generation_prompt=True).ids == oracle_ids(oracle, messages[:-1], prompt=True)


def test_tokens_that_swallow_white_space_give_the_ids_of_transformers() -> None:
    form = FORMATS["phi-3"]
    for kind in KINDS:
        transformers = pytest.importorskip("transformers")
        oracle = transformers.PreTrainedTokenizerFast(
            tokenizer_object=tokenizer_for(form, kind, strip=True), eos_token=form.eos, bos_token=form.bos, chat_template=form.template
        )
        chat = chat_format_from(oracle)
        rendered = render(chat, LESSON)
        assert rendered.ids == oracle.apply_chat_template(as_dicts(LESSON), tokenize=True, return_dict=True)["input_ids"]
        prompt = render(chat, LESSON[:2], add_generation_prompt=True)
        assert rendered.ids[: len(prompt.ids)] == prompt.ids
        assert rendered.supervised.index(1) == len(prompt.ids)


def test_tokens_that_swallow_the_white_space_before_them_give_the_ids_of_transformers() -> None:
    form = FORMATS["chatml"]
    for kind in KINDS:
        transformers = pytest.importorskip("transformers")
        tokenizer = tokenizer_for(form, kind)
        tokenizer.add_special_tokens([AddedToken("<|turn|>", special=True, normalized=False, lstrip=True)])
        template = form.template.replace("<|im_start|>", "<|turn|>")
        oracle = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=form.eos, chat_template=template)
        assert render(chat_format_from(oracle), LESSON).ids == oracle_ids(oracle, LESSON)


def test_a_blank_at_the_end_of_a_prompt_belongs_to_the_answer() -> None:
    form = FORMATS["vicuna"]
    careless = form.template.replace("{{ 'ASSISTANT:' }}", "{{ 'ASSISTANT: ' }}")
    assert careless != form.template
    for kind in KINDS:
        chat = ChatFormat(tokenizer_for(form, kind), careless, "tokenizer", form.bos, form.eos)
        good = chat_for("vicuna", kind)
        assert render(chat, LESSON).ids == render(good, LESSON).ids
        assert render(chat, LESSON[:2], add_generation_prompt=True) == render(good, LESSON[:2], add_generation_prompt=True)


def test_a_model_that_can_think_is_asked_not_to() -> None:
    form = FORMATS["chatml"]
    thinking = "{{ '/think' if enable_thinking | default(true) else '/no_think' }}" + form.template
    chat = ChatFormat(tokenizer_for(form, "qwen"), thinking, "tokenizer", eos_token=form.eos)
    assert render(chat, LESSON[:2], add_generation_prompt=True).text.startswith("/no_think")


def test_the_embedded_base_renders_as_transformers_does() -> None:
    if not (MINI / "tokenizer.json").is_file():
        pytest.skip("the embedded base has not been built yet")
    transformers = pytest.importorskip("transformers")
    chat, oracle = load_chat_format(MINI), transformers.AutoTokenizer.from_pretrained(MINI)
    expected = oracle.apply_chat_template(as_dicts(LESSON), tokenize=True, return_dict=True)["input_ids"]
    rendered = render(chat, LESSON)
    assert chat.origin == "tokenizer"
    assert rendered.ids == expected
    assert [said(chat, run) for run in runs_of(rendered)] == [f"{content}<|end|>" for _, content in answers(LESSON)]
    assert not chat.merges_system
    assert not chat.rewrites_history


# --- what a format knows about itself ------------------------------------------------------------


@over_formats
def test_stop_ids_are_the_end_of_turn_then_eos(name: str) -> None:
    form, chat = FORMATS[name], chat_for(name, "qwen")
    expected = dict.fromkeys((chat.tokenizer.token_to_id(form.end), chat.tokenizer.token_to_id(form.eos)))
    assert chat.stop_token_ids == tuple(expected)


@over_formats
def test_a_format_knows_whether_it_has_a_place_for_the_system_turn(name: str) -> None:
    assert chat_for(name, "qwen").merges_system is not FORMATS[name].system


@over_formats
def test_a_format_knows_whether_it_rewrites_history(name: str) -> None:
    assert chat_for(name, "qwen").rewrites_history is not FORMATS[name].stable


MARKERS = {
    "ours": ("<|user|>", "<|assistant|>", "<|system|>"),
    "zephyr": ("<|user|>", "<|assistant|>", "<|system|>"),
    "vicuna": ("USER:", "ASSISTANT:"),
    "alpaca": ("### Instruction:", "### Response:"),
    "mistral": ("[INST]", "[/INST]"),
    "llama-2": ("[INST]", "[/INST]", "[INST] <<SYS>>", "<</SYS>>"),
}


@over_formats
def test_turn_markers_are_those_that_the_template_writes_as_ordinary_text(name: str) -> None:
    assert chat_for(name, "qwen").turn_markers == MARKERS.get(name, ())


def test_short_words_are_no_turn_markers() -> None:
    form = FORMATS["chatml"]
    template = "{% for m in messages %}{{ ('Q: ' if m.role == 'user' else 'A: ') + m.content + '<|im_end|>' }}{% endfor %}"
    assert ChatFormat(tokenizer_for(form, "qwen"), template, "tokenizer", eos_token=form.eos).turn_markers == ()


@over_formats
def test_control_ids_are_the_tokens_that_the_template_writes_around_turns(name: str) -> None:
    form, chat = FORMATS[name], chat_for(name, "qwen")
    text = render(chat, LESSON).text
    written = {token for token in (*form.special, *form.marks) if token in text and "think" not in token}
    assert set(chat.control_token_ids) == {chat.tokenizer.token_to_id(token) for token in written}


@pytest.mark.parametrize("name", ["gemma", "mistral"])
def test_a_system_turn_without_a_place_goes_in_front_of_the_first_question(name: str) -> None:
    chat = chat_for(name, "qwen")
    merged = (Message("user", "Eres un tutor.\n\n¿2 + 2?"), Message("assistant", "4"))
    assert render(chat, (Message("system", "Eres un tutor."), Message("user", "¿2 + 2?"), merged[1])) == render(chat, merged)


def test_a_template_that_ignores_the_system_turn_gets_it_merged() -> None:
    form = FORMATS["chatml"]
    silent = form.template.replace("{% for m in messages %}", "{% for m in messages if m.role != 'system' %}")
    chat = ChatFormat(tokenizer_for(form, "qwen"), silent, "tokenizer", eos_token=form.eos)
    assert chat.merges_system
    assert "Eres un tutor paciente.\n\n¿Cuánto" in render(chat, LESSON).text


def test_the_hash_is_that_of_the_template() -> None:
    assert chat_for("chatml", "qwen").template_sha256 == hashlib.sha256(FORMATS["chatml"].template.encode()).hexdigest()


def test_a_dated_template_gives_the_same_ids_on_any_day() -> None:
    form = FORMATS["chatml"]
    dated = "{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}" + form.template
    chat = ChatFormat(tokenizer_for(form, "qwen"), dated, "tokenizer", eos_token=form.eos)
    assert render(chat, LESSON).text.startswith("Today: 26 Jul 2024\n")


def test_generation_marks_print_nothing() -> None:
    form = FORMATS["chatml"]
    head = "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    body = head + "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{{ '\n' }}{% endfor %}"
    chat = ChatFormat(tokenizer_for(form, "qwen"), body, "tokenizer", eos_token=form.eos)
    assert render(chat, LESSON).ids == render(chat_for("chatml", "qwen"), LESSON).ids


def test_a_template_that_edits_an_answer_supervises_what_it_left() -> None:
    chat = chat_for("qwen3", "qwen")
    rendered = render(chat, (Message("user", "¿2 + 2?"), Message("assistant", "<think>\nsumo\n</think>\n\nSon 4.")))
    assert [said(chat, run) for run in runs_of(rendered)] == ["Son 4.<|im_end|>"]


def test_an_empty_answer_supervises_its_end() -> None:
    chat = chat_for("chatml", "qwen")
    assert [said(chat, run) for run in runs_of(render(chat, (Message("user", "a"), Message("assistant", " "))))] == ["<|im_end|>"]


def test_an_answer_that_would_grow_into_the_prompt_is_cut_from_it() -> None:
    template = "{% for m in messages %}{{ ('Q:' if m.role == 'user' else 'A:') + m.content + '</s>' }}{% endfor %}"
    tokenizer = Tokenizer(models.BPE({"A": 0, ":": 1, ")": 2, ":)": 3, "Q": 4, "</s>": 5}, [(":", ")")]))
    tokenizer.add_special_tokens(["</s>"])
    chat = ChatFormat(tokenizer, template, "tokenizer", eos_token="</s>")
    prompt = render(chat, (Message("user", ")"),), add_generation_prompt=True)
    rendered = render(chat, (Message("user", ")"), Message("assistant", "):)")))
    assert prompt.ids == [4, 3, 5, 0, 1]
    assert rendered.ids == [*prompt.ids, 2, 3, 5]
    assert list(rendered.supervised) == [0, 0, 0, 0, 0, 1, 1, 1]


# --- errors --------------------------------------------------------------------------------------


def with_template(template: str) -> ChatFormat:
    form = FORMATS["chatml"]
    return ChatFormat(tokenizer_for(form, "qwen"), template, "tokenizer", eos_token=form.eos)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for m in messages %}{{ m.role + ': ' + m.content + '\n' }}{% endfor %}", "no end-of-turn token"),
        ("{% for m in messages %}{{ m.content + '\nUser<|im_end|>' }}{% endfor %}", "no end-of-turn token"),
        ("{% for m in messages %}{{ m.content }}", "not valid Jinja"),
        ("{{ raise_exception('niet') }}", "refuses this conversation: niet"),
        ("{% for m in messages %}{{ m.content + m.content + '<|im_end|>' }}{% endfor %}", "repeats turn 1"),
        ("{{ messages[-1].content + '<|im_end|>' }}", "leaves out or edits turn 1"),
        (
            "{% for m in messages %}{{ m.content | upper | replace('Q', 'QQ') | tojson + '<|im_end|>' }}{% endfor %}",
            "leaves out or edits turn 1",
        ),
        ("{{ messages[0].missing.more }}", "refuses"),
    ],
)
def test_an_unusable_template_is_named_with_a_hint(template: str, words: str) -> None:
    with pytest.raises(HubError, match=words) as error:
        render(with_template(template), LESSON[1:3])
    assert "[base] chat_template" in error.value.hint


def test_a_template_that_changes_its_frame_for_some_text_is_an_error() -> None:
    body = "{% for m in messages %}{{ ('<|im_start|>B' if 'magia' in messages[0].content else '') + m.content + '<|im_end|>' }}{% endfor %}"
    chat = with_template(body)
    assert render(chat, (Message("user", "a"), Message("assistant", "b"))).ids
    with pytest.raises(HubError, match="changes its frame"):
        render(chat, (Message("user", "magia"), Message("assistant", "b")))


def test_the_sandbox_keeps_a_template_from_the_program() -> None:
    with pytest.raises(HubError):
        render(with_template("{{ messages.__class__.__mro__[1].__subclasses__() }}"), LESSON)


def test_a_prompt_needs_a_question() -> None:
    with pytest.raises(ValueError, match="follows a user turn"):
        render(chat_for("chatml", "qwen"), LESSON, add_generation_prompt=True)


# --- files ---------------------------------------------------------------------------------------


def write_base(folder: Path, name: str = "llama-3", **settings: Any) -> Path:
    form = FORMATS[name]
    tokenizer_for(form, "qwen").save(str(folder / "tokenizer.json"))
    content = {"bos_token": {"content": form.bos} if form.bos else None, "eos_token": form.eos, "chat_template": form.template, **settings}
    (folder / "tokenizer_config.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_folder_gives_tokenizer_template_and_stops(tmp_path: Path) -> None:
    write_base(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [512, 11]}', encoding="utf-8")
    chat = load_chat_format(tmp_path)
    expected = chat_for("llama-3", "qwen")
    assert (chat.origin, chat.bos_token, chat.eos_token) == ("tokenizer", "<|begin_of_text|>", "<|end_of_text|>")
    assert render(chat, LESSON) == render(expected, LESSON)
    assert chat.stop_token_ids == tuple(dict.fromkeys((*expected.stop_token_ids, 512, 11)))


def test_a_base_without_template_gets_ours_with_its_real_eos(tmp_path: Path) -> None:
    chat = load_chat_format(write_base(tmp_path, "ours", chat_template=None))
    assert chat.origin == "fallback"
    text = render(chat, LESSON[:2], add_generation_prompt=True).text
    assert text == (
        "<|endoftext|><|system|>\nEres un tutor paciente.<|endoftext|>\n<|user|>\n¿Cuánto es 12 + 30?<|endoftext|>\n<|assistant|>\n"
    )


def test_a_template_beside_the_tokenizer_wins_over_the_settings(tmp_path: Path) -> None:
    write_base(tmp_path, "chatml")
    other = FORMATS["chatml"].template + "{# two #}"
    (tmp_path / "chat_template.jinja").write_text(other, encoding="utf-8")
    assert load_chat_format(tmp_path).template == other


def test_a_template_file_of_the_user_wins_over_all(tmp_path: Path) -> None:
    write_base(tmp_path, "chatml")
    (tmp_path / "chat_template.jinja").write_text("{{ messages }}", encoding="utf-8")
    own = tmp_path / "own.jinja"
    own.write_text(FORMATS["chatml"].template, encoding="utf-8")
    chat = load_chat_format(tmp_path, template_file=own)
    assert (chat.template, chat.origin) == (FORMATS["chatml"].template, "file")


def test_of_several_named_templates_the_default_is_taken(tmp_path: Path) -> None:
    templates = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": FORMATS["chatml"].template}]
    assert load_chat_format(write_base(tmp_path, "chatml", chat_template=templates)).template == FORMATS["chatml"].template


def test_padding_and_truncation_of_the_file_are_off(tmp_path: Path) -> None:
    write_base(tmp_path, "chatml")
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.enable_truncation(8)
    tokenizer.enable_padding(length=300)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert render(load_chat_format(tmp_path), LESSON).ids == render(chat_for("chatml", "qwen"), LESSON).ids


def test_an_eos_that_only_the_settings_declare_special_is_read_whole(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "<": 1, "/": 2, "s": 3, ">": 4, "</s>": 5}, []))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    template = "{% for m in messages %}{{ m.content + eos_token }}{% endfor %}"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": "</s>", "chat_template": template}), encoding="utf-8")
    chat = load_chat_format(tmp_path)
    assert render(chat, (Message("user", "a"), Message("assistant", "a</s>a"))).ids == [0, 5, 0, 1, 2, 3, 4, 0, 5]


def test_a_named_token_without_an_id_is_left_out(tmp_path: Path) -> None:
    chat = load_chat_format(write_base(tmp_path, "chatml", pad_token="[PAD]"))
    assert chat.pad_token is None
    assert chat.pad_id == chat.eos_id


def test_a_missing_tokenizer_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no tokenizer\.json"):
        load_chat_format(tmp_path)


def test_a_missing_template_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.jinja not found"):
        load_chat_format(write_base(tmp_path), template_file=tmp_path / "nowhere.jinja")


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    write_base(tmp_path)
    (tmp_path / name).write_text("{ not json", encoding="utf-8")
    with pytest.raises(UsageError, match=name):
        load_chat_format(tmp_path)


def test_a_bad_template_is_found_when_the_base_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="no end-of-turn token"):
        load_chat_format(write_base(tmp_path, chat_template="{% for m in messages %}{{ m.content }}\n{% endfor %}"))


def test_neither_template_nor_eos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="neither a chat template nor an eos"):
        load_chat_format(write_base(tmp_path, chat_template=None, eos_token=None))


def test_a_slow_tokenizer_is_refused() -> None:
    with pytest.raises(HubError, match="slow tokenizer"):
        chat_format_from(object())


def test_a_tokenizer_in_memory_is_never_changed() -> None:
    oracle = wrapped(FORMATS["chatml"], "qwen")
    before = oracle.backend_tokenizer.to_str()
    render(chat_format_from(oracle), (Message("user", "<|im_end|>"), Message("assistant", "b")))
    assert oracle.backend_tokenizer.to_str() == before


def test_importing_the_module_brings_no_framework_in() -> None:
    import subprocess
    import sys

    code = "import sys, adapters_hub.chat_templates; print({'torch', 'transformers', 'jinja2', 'tokenizers'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=MINI.parent.parent.parent)
    assert result.stdout.strip() == "set()"
