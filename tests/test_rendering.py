"""rendering.py: the promises of the one rendering, over a zoo of real formats and five kinds of tokenizer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from template_zoo import KINDS, tokenizer_for
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from zoo_chats import BYTE_LEVEL, FORMATS, LESSON, answers, as_dicts, chat_for, over_the_zoo, runs_of, said, wrapped

from adapters_hub.chat_templates import ChatFormat
from adapters_hub.errors import HubError
from adapters_hub.rendering import render, render_many
from adapters_hub.tokenizer_files import chat_format_from, load_chat_format
from adapters_hub.types import Message

MINI = Path(__file__).parent.parent / "adapters_hub" / "bases" / "mini"


def spelled(chat: ChatFormat, text: str) -> str:
    """`text` as the tokenizer gives it back after encoding: unigram models lose white space and unknown letters."""
    plain = chat.text_tokenizer
    return str(plain.decode(plain.encode(text, add_special_tokens=False).ids, skip_special_tokens=False)).strip()


# --- what is supervised ---------------------------------------------------------------------------


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
            assert not set(run[:-1]) & chat.reserved_ids
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
    control = chat.reserved_ids
    assert [token for token in rendered.ids if token in control] == [token for token in quiet.ids if token in control]
    for index, _ in answers(messages):
        prompt = render(chat, messages[:index], add_generation_prompt=True)
        answered = render(chat, messages[: index + 1])
        assert answered.ids[: len(prompt.ids)] == prompt.ids
        assert sum(answered.supervised[len(prompt.ids) :]) == len(runs_of(answered)[-1])
        if kind in BYTE_LEVEL:
            written = str(chat.tokenizer.decode(answered.ids, skip_special_tokens=False))
            assert written == answered.text


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


# --- what a template does to a conversation -------------------------------------------------------


@pytest.mark.parametrize("name", ["gemma", "mistral"])
def test_a_system_turn_without_a_place_goes_in_front_of_the_first_question(name: str) -> None:
    chat = chat_for(name, "qwen")
    merged = (Message("user", "Eres un tutor.\n\n¿2 + 2?"), Message("assistant", "4"))
    assert render(chat, (Message("system", "Eres un tutor."), Message("user", "¿2 + 2?"), merged[1])) == render(chat, merged)


def test_a_template_that_changes_its_frame_for_some_text_is_an_error() -> None:
    body = "{% for m in messages %}{{ ('<|im_start|>B' if 'magia' in messages[0].content else '') + m.content + '<|im_end|>' }}{% endfor %}"
    form = FORMATS["chatml"]
    chat = ChatFormat(tokenizer_for(form, "qwen"), body, "tokenizer", eos_token=form.eos)
    assert render(chat, (Message("user", "a"), Message("assistant", "b"))).ids
    with pytest.raises(HubError, match="changes its frame"):
        render(chat, (Message("user", "magia"), Message("assistant", "b")))


def test_a_prompt_needs_a_question() -> None:
    with pytest.raises(ValueError, match="follows a user turn"):
        render(chat_for("chatml", "qwen"), LESSON, add_generation_prompt=True)


# --- control tokens in the text of a message ------------------------------------------------------


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


# --- against transformers -------------------------------------------------------------------------


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


# --- imports --------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["chat_templates", "rendering", "tokenizer_files"])
def test_importing_the_modules_brings_no_framework_in(module: str) -> None:
    code = f"import sys, adapters_hub.{module}; print({{'torch', 'transformers', 'jinja2', 'tokenizers'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=MINI.parent.parent.parent)
    assert result.stdout.strip() == "set()"
