"""Text from outside reaches a terminal, a page, a picture and a notebook only through faces/shown."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("faces", "evaluation", "board_preview", "desk_preview")
"""The rooms that show text of documents, files and servers."""
SHOWN = ROOT / "faces" / "shown"
PRINTS = {
    "faces/cli/__init__.py": {"typer.echo"},  # our own version
    "faces/cli/dashboards.py": {"typer.echo"},  # JSON
    "faces/cli/output.py": {"typer.echo"},  # JSON
    "evaluation/evaluate.py": {"sys.stdout.write"},  # JSON
    "evaluation/bench/rounds.py": {"print"},  # seconds
}
"""What may be called beside the functions of faces/shown, and for what."""
FORBIDDEN = {
    "print",
    "typer.echo",
    "typer.secho",
    "click.echo",
    "sys.stdout.write",
    "sys.stderr.write",
    "html.escape",
    "Console",
    "rich.print",
    "Text.from_markup",
    "Text.from_ansi",
}
PICTURES = {"faces/plotting.py", "faces/reports/charts.py", "faces/explore/face_map.py"}
"""The modules that draw text; each within ``lettering``."""
AXES = {"axes", "axis", "figure", "place", "plt"}
LETTERS = {"text", "set_title", "set_yticks", "set_xticks", "annotate"}


def modules() -> list[Path]:
    found = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in found if SHOWN not in path.parents and "node_modules" not in path.parts]


def calls(source: str) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))


def problems(name: str, source: str) -> set[str]:
    """What a module calls by itself, other than through faces/shown."""
    found = set()
    for call in calls(source):
        called = ast.unparse(call.func)
        if called in FORBIDDEN - PRINTS.get(name, set()):
            found.add(called)
        if any(
            word.arg in ("markup", "emoji") and ast.unparse(word.value) != "False" for word in call.keywords
        ):
            found.add(f"{called} with markup")
        if called.endswith("TextColumn") and "markup" not in {word.arg for word in call.keywords}:
            found.add("TextColumn with markup")
        holder, _, method = called.rpartition(".")
        if method in LETTERS and holder in AXES and name not in PICTURES:
            found.add(called)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_shows_text_through_faces_shown_alone(path: Path):
    assert problems(path.relative_to(ROOT).as_posix(), path.read_text()) == set()


@pytest.mark.parametrize(
    "line",
    [
        "print(name)",
        "typer.echo(path)",
        "Console()",
        "out.print(name, markup=True)",
        "TextColumn('{task.description}')",
        "axes.text(0, 0, name)",
        "html.escape(name)",
    ],
)
def test_a_way_around_it_is_found(line: str):
    assert problems("faces/somewhere.py", line)


def test_the_notebook_shows_text_as_it_is():
    cells = json.loads((ROOT / "docs" / "explore.ipynb").read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert "plain_outputs()" in code[0]
    for call in (call for cell in code for call in calls(cell)):
        if ast.unparse(call.func) in ("print", "place.set_title"):
            for argument in map(ast.unparse, call.args):
                assert ".name" not in argument or "drawn(" in argument or "printable(" in argument
