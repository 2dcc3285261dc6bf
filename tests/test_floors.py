"""Imports only go down: every module stands on a floor and imports from lower ones."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "adapters_hub"
FLOORS = (
    ("errors", "types"),
    ("contracts", "hookspecs"),
    (
        "settings",
        "workspace",
        "tutors",
        "datasets",
        "near_duplicates",
        "splits",
        "languages",
        "question_classifier",
        "store",
        "trust",
        "chat_templates",
        "rendering",
        "tokenizer_files",
        "base_files",
        "base_memory",
        "known_bases",
        "hub_file",
        "typed_answers",
        "hardware",
        "workers",
        "sandbox",
        "conveyor",
        "stray_prints",
        "ledger",
        "hub_client",
        "hub_transfer",
        "adapter_files",
        "sources",
        "recognition",
        "hub_errors",
        "tutor_file",
        "modelfile",
        "transcripts",
        "log_file",
        "conversations",
    ),
    ("plugins", "gate", "library"),
    ("engine",),
    (
        "training",
        "chatting",
        "answers",
        "checking",
        "scaffolding",
        "choosing",
        "diagnosis",
        "router",
        "judging",
        "evaluating",
        "quiz",
        "loss_plot",
        "score_plot",
        "composition",
        "composition_plot",
        "checkpoint_score",
        "dataset_statistics",
        "own_answers",
        "publishing",
        "exporting",
        "pulling",
        "importing",
        "removing",
        "newcomers",
        "settling",
        "tutor_card",
        "portable_tutor",
        "exams",
        "scores",
        "statistics",
    ),
    ("hub", "dialogue", "shared_room", "inspection", "progress_line"),
    ("cli", "__main__"),
)
ANNEX = "builtin"
SAME_FLOOR = {1, 2, 3, 4, 6, 7}
"""The hooks speak of the contracts; shelves may use each other, the gate asks the plugins who judges, and so may the parts of the
machine room, of the desk where the Python API and the command line meet, and of the front door.
A circle is refused below."""
ROOM_TOOLS = {
    "choosing",
    "tutor_card",
    "portable_tutor",
    "newcomers",
    "settling",
    "answers",
    "loss_plot",
    "score_plot",
    "composition",
    "composition_plot",
    "checkpoint_score",
    "dataset_statistics",
    "own_answers",
    "exams",
    "scores",
    "statistics",
}
"""On the rooms' floor without being rooms: drawings, figures and exams that rooms use."""
HEAVY = ("torch", "transformers", "peft", "datasets", "huggingface_hub", "bitsandbytes", "accelerate", "matplotlib")


def modules() -> list[str]:
    """Dotted names below the package, without it: ``engine.bank``."""
    names = [".".join(file.relative_to(PACKAGE).with_suffix("").parts) for file in PACKAGE.rglob("*.py") if "bases" not in file.parts]
    return sorted(name.removesuffix(".__init__") for name in names if name != "__init__")


def floor_of(name: str) -> int | None:
    """The number of the floor, None for the annex."""
    top = name.split(".")[0]
    if top == ANNEX:
        return None
    found = [number for number, names in enumerate(FLOORS) if top in names]
    assert found, f"adapters_hub/{top}.py stands on no floor: give it one in FLOORS"
    return found[0]


def imports(name: str, *, module_level: bool = False) -> set[str]:
    """Dotted names that a module imports; with ``module_level`` only those that its import runs."""
    path = PACKAGE.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    stack: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while stack:
        node = stack.pop()
        if module_level and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        stack += ast.iter_child_nodes(node)
    return found


def own_imports(name: str, *, module_level: bool = False) -> set[str]:
    """Modules of the package that a module imports."""
    known = modules()
    found = set()
    for dotted in imports(name, module_level=module_level):
        if dotted.startswith("adapters_hub."):
            inner = dotted.removeprefix("adapters_hub.")
            found |= {inner} & set(known) or {inner.rpartition(".")[0]} & set(known)
    return found - {name}


@pytest.mark.parametrize("name", modules())
def test_a_module_imports_from_lower_floors_only(name: str) -> None:
    floor = floor_of(name)
    for other in own_imports(name):
        other_floor = floor_of(other)
        if floor is None:
            allowed = other_floor is None or other_floor <= 2 or (other_floor == 4 and other not in own_imports(name, module_level=True))
        elif other_floor is None:
            allowed = False
        else:
            same_package = other.partition(".")[0] == name.partition(".")[0]
            allowed = other_floor < floor or (other_floor == floor and (floor in SAME_FLOOR or same_package or other in ROOM_TOOLS))
        assert allowed, f"{name} (floor {floor}) imports {other} (floor {other_floor})"


def test_nothing_imports_in_a_circle() -> None:
    edges = {name: own_imports(name, module_level=True) for name in modules()}
    done: set[str] = set()
    while True:
        free = {name for name, others in edges.items() if name not in done and others <= done}
        if not free:
            break
        done |= free
    assert set(edges) == done, f"a circle among {sorted(set(edges) - done)}"


@pytest.mark.parametrize("name", [name for name in modules() if floor_of(name) != 4])
def test_heavy_libraries_are_imported_by_the_machine_room_only(name: str) -> None:
    top = {dotted.split(".")[0] for dotted in imports(name, module_level=True)}
    assert not top & set(HEAVY)


def test_the_ground_imports_the_standard_library_only() -> None:
    import sys

    for name in FLOORS[0]:
        assert {dotted.split(".")[0] for dotted in imports(name)} <= {*sys.stdlib_module_names, "adapters_hub"}
