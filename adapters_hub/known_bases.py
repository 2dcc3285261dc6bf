"""A small catalogue of open base models that make good tutors: licence, size, shape, languages.

What each would take of a machine is computed. Asks no network: the figures are those of the models' own pages and configs at the time
named below; owners may change terms.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters_hub.base_memory import Fit, Room, Shape, fits
from adapters_hub.types import Quantization
from adapters_hub.workspace import nearest

AS_OF = "2026-11"
"""When the catalogue was last compared with the models' pages."""

APACHE, MIT = "apache-2.0", "mit"

LARGEST_ON_CPU = 2_000_000_000
"""Parameters above which a processor answers too slowly to be recommended."""


@dataclass(frozen=True)
class KnownBase:
    """One base of the catalogue."""

    id: str
    """Id on the Hub."""
    shape: Shape
    download: int
    """Bytes of its safetensors files."""
    licence: str
    """As its page names it."""
    gated: bool = False
    """Its owner asks for a login and for terms to be accepted before the download."""
    spanish: bool = True
    """Spanish is among the languages it was trained for; else it knows some by accident."""
    chat_template: bool = True
    """Its tokenizer brings one."""
    note: str = ""
    """What else one should know, in a few words."""

    @property
    def free(self) -> bool:
        """Any use is allowed, commercial too, without further terms than attribution."""
        return self.licence in (APACHE, MIT)

    @property
    def parameters(self) -> int:
        """All weights but norms and biases."""
        return self.shape.parameters


# Shape: layers, hidden, intermediate, heads, key and value heads, dimension of a head, vocabulary, context.
CATALOGUE: tuple[KnownBase, ...] = (
    KnownBase("Qwen/Qwen2.5-7B-Instruct", Shape(28, 3584, 18944, 28, 4, 128, 152064, 32768, tied=False), 15_230_000_000, APACHE),
    KnownBase("Qwen/Qwen3-4B-Instruct-2507", Shape(36, 2560, 9728, 32, 8, 128, 151936, 262144), 8_040_000_000, APACHE),
    KnownBase("microsoft/Phi-4-mini-instruct", Shape(32, 3072, 8192, 24, 8, 128, 200064, 131072), 7_670_000_000, MIT),
    KnownBase("HuggingFaceTB/SmolLM3-3B", Shape(36, 2048, 11008, 16, 4, 128, 128256, 65536), 6_150_000_000, APACHE),
    KnownBase("Qwen/Qwen2.5-1.5B-Instruct", Shape(28, 1536, 8960, 12, 2, 128, 151936, 32768), 3_090_000_000, APACHE),
    KnownBase("Qwen/Qwen3-1.7B", Shape(28, 2048, 6144, 16, 8, 128, 151936, 40960), 4_060_000_000, APACHE),
    KnownBase(
        "utter-project/EuroLLM-1.7B-Instruct",
        Shape(24, 2048, 5632, 16, 8, 128, 128000, 4096, tied=False),
        3_310_000_000,
        APACHE,
        note="made for the languages of Europe",
    ),
    KnownBase(
        "BSC-LT/salamandra-2b-instruct",
        Shape(24, 2048, 5440, 16, 16, 128, 256000, 8192, tied=False),
        4_510_000_000,
        APACHE,
        note="made in Barcelona for Iberian languages",
    ),
    KnownBase("Qwen/Qwen2.5-0.5B-Instruct", Shape(24, 896, 4864, 14, 2, 64, 151936, 32768), 990_000_000, APACHE),
    KnownBase("Qwen/Qwen3-0.6B", Shape(28, 1024, 3072, 16, 8, 128, 151936, 40960), 1_500_000_000, APACHE),
    KnownBase("HuggingFaceTB/SmolLM2-1.7B-Instruct", Shape(24, 2048, 8192, 32, 32, 64, 49152, 8192), 3_420_000_000, APACHE, spanish=False),
    KnownBase(
        "microsoft/Phi-3.5-mini-instruct",
        Shape(32, 3072, 8192, 32, 32, 96, 32064, 131072, tied=False),
        7_640_000_000,
        MIT,
        note="much memory for each token",
    ),
    KnownBase(
        "microsoft/phi-2",
        Shape(32, 2560, 10240, 32, 32, 80, 51200, 2048, tied=False, mlp_matrices=2),
        5_560_000_000,
        MIT,
        spanish=False,
        chat_template=False,
        note="much memory for each token",
    ),
    KnownBase(
        "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
        Shape(22, 2048, 5632, 32, 4, 64, 32000, 2048, tied=False),
        2_200_000_000,
        APACHE,
        spanish=False,
    ),
    KnownBase("HuggingFaceTB/SmolLM2-360M-Instruct", Shape(32, 960, 2560, 15, 5, 64, 49152, 8192), 720_000_000, APACHE, spanish=False),
    KnownBase(
        "Qwen/Qwen2.5-3B-Instruct",
        Shape(36, 2048, 11008, 16, 2, 128, 151936, 32768),
        6_170_000_000,
        "qwen-research",
        note="research and teaching only, no commercial use",
    ),
    KnownBase(
        "mistralai/Mistral-7B-Instruct-v0.3",
        Shape(32, 4096, 14336, 32, 8, 128, 32768, 32768, tied=False),
        14_500_000_000,
        APACHE,
        gated=True,
        note="asks for your contact details",
    ),
    KnownBase(
        "meta-llama/Llama-3.2-1B-Instruct",
        Shape(16, 2048, 8192, 32, 8, 64, 128256, 131072),
        2_470_000_000,
        "llama3.2",
        gated=True,
        note="terms of use of Meta",
    ),
    KnownBase(
        "meta-llama/Llama-3.2-3B-Instruct",
        Shape(28, 3072, 8192, 24, 8, 128, 128256, 131072),
        6_430_000_000,
        "llama3.2",
        gated=True,
        note="terms of use of Meta",
    ),
    KnownBase(
        "google/gemma-2-2b-it",
        Shape(26, 2304, 9216, 8, 4, 256, 256000, 8192),
        5_230_000_000,
        "gemma",
        gated=True,
        spanish=False,
        note="terms of use of Google",
    ),
    KnownBase(
        "google/gemma-3-1b-it",
        Shape(26, 1152, 6912, 4, 1, 256, 262144, 32768),
        2_000_000_000,
        "gemma",
        gated=True,
        spanish=False,
        note="terms of use of Google",
    ),
)
"""Best first among those of one purpose: what can be had freely, knows Spanish and talks comes before what does not."""


def known_base(name: str) -> KnownBase | None:
    """The base of that id; upper and lower case count as the same, as on the Hub."""
    return next((base for base in CATALOGUE if base.id.lower() == name.lower()), None)


def similar_ids(name: str) -> tuple[str, ...]:
    """Ids of the catalogue that ``name`` may have been meant to be, best first: same last part, else spelt alike."""
    last = name.rsplit("/", 1)[-1].lower()
    same = [base.id for base in CATALOGUE if base.id.rsplit("/", 1)[-1].lower() == last]
    parts = {base.id.rsplit("/", 1)[-1].lower(): base.id for base in CATALOGUE}
    guess = nearest(last, parts)
    return tuple(dict.fromkeys([*same, *([parts[guess]] if guess else [])]))


def best_for(room: Room, *, tutors: int = 3, quantization: Quantization = "auto") -> KnownBase | None:
    """The base to take for tutors in Spanish in this room: free to use, ungated, comfortable; None when nothing fits."""
    small = [base for base in CATALOGUE if room.device != "cpu" or base.parameters <= LARGEST_ON_CPU]
    for wanted in ("comfortable", "tight"):
        for base in small:
            open_one = base.free and not base.gated and base.spanish and base.chat_template
            if open_one and fits(base.shape, room, tutors=tutors, quantization=quantization).verdict == wanted:
                return base
    return None


def why_best(base: KnownBase, fit: Fit, room: Room) -> str:
    """One sentence that recommends ``base``."""
    learns = "and can be trained" if fit.trainable else "but cannot be trained"
    return (
        f"best for this machine: {base.id}, {base.licence}, speaks Spanish, takes {fit.weights / 1e9:.1f} GB of {room.name}, "
        f"leaves room for {fit.conversations:,} conversations side by side {learns} here"
    )


def nearest_open(size: int, room: Room, *, tutors: int = 3, count: int = 3) -> tuple[KnownBase, ...]:
    """Up to ``count`` open bases that fit ``room``, nearest in parameters to ``size`` first; for who cannot have the one they wanted."""
    fitting = [
        base for base in CATALOGUE if not base.gated and base.chat_template and fits(base.shape, room, tutors=tutors).verdict != "no"
    ]
    return tuple(sorted(fitting, key=lambda base: abs(base.parameters - size))[:count])
