"""No module of the command line prints past the console that shows text from outside as it is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOOR = ROOT / "faces" / "cli" / "output.py"
MODULES = sorted((ROOT / "faces").rglob("*.py"))


def calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def name(call: ast.Call) -> str:
    return ast.unparse(call.func)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_makes_a_console_markup_or_a_bare_print(module):
    tree = ast.parse(module.read_text())
    made = {name(call) for call in calls(tree)}
    assert not made & {"print", "rich.print", "Text.from_markup", "Text.from_ansi"}
    if module != DOOR:
        assert not {one for one in made if one.endswith("Console")}
    for call in calls(tree):
        assert not any(
            word.arg in ("markup", "emoji") and ast.unparse(word.value) == "True" for word in call.keywords
        )
        if name(call) == "typer.echo":
            assert "out" not in ast.unparse(call) or module.parent == DOOR.parent
