"""Text from outside in a terminal: a name, a path or an error can't forge a line, a colour or a word."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from markdown_it import MarkdownIt
from rich.console import Console
from rich.table import Table
from typer import Exit

from faces.cli import output
from faces.cli.output import PlainConsole, fail, say, tracked
from faces.cli.verbosity import MessageAlone
from faces.shown.html_text import breakable, escaped, with_code
from faces.shown.markdown_text import paragraph
from faces.shown.printable import json_text, printable
from faces.shown.terminal import table

ACTING = {
    "line break": "a\nb",
    "carriage return": "a\rb",
    "escape sequence": "\x1b[31mred\x1b[0m",
    "link": "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "8-bit escape": "\x9b31mred",
    "backspace": "a\bb",
    "override": "\u202egnp.exe",
    "isolate": "\u2067gnp.exe",
    "line separator": "a\u2028b",
    "half of a pair": "a\udce4b",
    "invisible tag": "a\U000e0041b",
}
MARKUP = [
    "Ann [wife]",
    "x [/close] y",
    "[bold]B[/bold]",
    "[link=http://evil.example]x[/link]",
    r"\[a]",
    ":smile:",
]


@pytest.fixture
def console(monkeypatch) -> PlainConsole:
    """A terminal of 200 columns, whose text is kept."""
    made = PlainConsole(stderr=False)
    made.file, made.width = io.StringIO(), 200
    made._force_terminal = True
    for name in ("out", "err", "notes"):
        monkeypatch.setattr(output, name, made)
    return made


def shown(console: Console) -> str:
    return console.file.getvalue()


@pytest.mark.parametrize("kind", ACTING)
def test_a_character_that_acts_is_shown_as_its_escape(kind):
    text = printable(ACTING[kind])
    assert text.isprintable()
    assert "\\" in text


@pytest.mark.parametrize("text", ["Zoë", "李明", "محمد", "\U0001f600", "a'b\"c", "पर\u200dक", "C:\\photos"])
def test_any_other_text_stays_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Z" + "\u0301" * 500, "Z" + "\u0301" * 8 + "\\u0301" * 492),
        ("An\u200dn", "An\\u200dn"),
        ("\u200c", "\\u200c"),
        ("क\u200d\u200d", "क\u200d\\u200d"),
        ("שָּׁ", "שָּׁ"),
    ],
    ids=["flood", "joiner in Latin", "joiner alone", "two joiners", "Hebrew"],
)
def test_accents_and_joiners_stay_where_a_language_needs_them(text, seen):
    assert printable(text) == seen


def test_a_text_has_a_longest_length_and_how_much_is_left_out_is_said():
    assert printable("a" * 10_000) == "a" * 10_000
    shown_text = printable("a" * 11_234)
    assert shown_text.startswith("a" * 10_000)
    assert "1,234" in shown_text[10_000:]
    assert len(shown_text) < 10_100


def test_json_for_a_terminal_says_the_same_without_acting(tmp_path):
    value = {"a": "\x9b31m\u202e\U000e0041 é\n", "b": 1}
    text = json.dumps(value, ensure_ascii=False) + "\n"
    assert json.loads(json_text(text)) == value
    assert json_text(text).rstrip("\n").isprintable()


def test_a_caller_cannot_bring_markup_back(console):
    console.print("[red]x[/red] :smile:", markup=True, emoji=True)
    assert shown(console) == "[red]x[/red] :smile:\n"


def test_what_libraries_log_is_one_line_of_text():
    record = logging.LogRecord("elastic", logging.WARNING, "", 0, "a %s", ("b\x1b[31m\nc",), None)
    assert MessageAlone().format(record) == "a b\\x1b[31m\\nc"


MARKDOWN = [
    "[x](javascript:alert(1))",
    "![x](http://evil.example/x.png)",
    "<script>alert(1)</script>",
    "http://evil.example www.evil.example HTTPS://evil.example",
    "<http://evil.example>",
    "| a | b |",
    "*a* _b_ `c` ~~d~~ $e$",
    "- a",
    "1. a",
    "# a",
    "> a",
    "---",
    "a\n===",
    "&lt;b&gt;",
    ":smile:",
]


@pytest.mark.parametrize("text", MARKDOWN)
def test_markdown_shows_a_text_as_it_is(text):
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(paragraph(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {one.type for one in tokens[1].children} <= {"text", "text_special"}
    assert "".join(one.content for one in tokens[1].children) == " ".join(text.split())
    # What GitHub makes of an address without any markup.
    assert not re.search(r"https?://|www\.", paragraph(text), re.IGNORECASE)


@pytest.mark.parametrize("text", ["<script>x</script>", "\" onerror='x'", "a`<b>`", "\x00\x1b[31m"])
def test_html_shows_a_text_as_it_is(text):
    for made in (escaped(text), with_code(text), breakable(text)):
        assert set(re.findall(r"<(/?\w+)", made)) <= {"code", "/code", "wbr"}
        assert not set("\"'\x00\x1b") & set(made)


@pytest.mark.parametrize("text", [*ACTING.values(), *MARKUP])
def test_a_text_is_printed_as_one_line_wherever_it_is_printed(console, text):
    console.print(f"name: {text}")
    table = Table("name", box=None)
    table.add_row(text)
    console.print(table)
    say(f"note: {text}")
    with pytest.raises(Exit):
        fail(text)
    for wanted in (f"name: {printable(text)}", printable(text), "note: ", "error: "):
        assert wanted in shown(console)
    assert not any(sequence in shown(console) for sequence in ("\x1b[31m", "\x1b[1mB", "\x1b]8", "\u202e"))


def test_nothing_of_a_long_value_is_left_out_of_a_table(console):
    path = "/".join(f"folder-{number}" for number in range(40)) + "/a.jpg"
    wide = PlainConsole(stderr=False)
    wide.file = io.StringIO()
    rows = table("photo", "person")
    rows.add_row(path, "Ann" * 100)
    wide.print(rows)
    assert path in shown(wide)
    assert "Ann" * 100 in shown(wide)
    console.width = 80
    console.print(rows)
    assert "a.jpg" in shown(console).replace(" ", "")
    assert "…" not in shown(console)


def test_further_lines_of_a_message_are_indented(console):
    say("first\nerror: forged")
    assert shown(console) == "first\n  error: forged\n"


@pytest.mark.parametrize("text", ["x [/close] y", "\x1b[31mred"])
def test_what_a_bar_counts_is_no_markup(console, text):
    assert list(tracked(range(3), 3, text)) == [0, 1, 2]
    assert printable(text) in shown(console)


def test_a_terminal_without_unicode_gets_escapes(monkeypatch):
    console = PlainConsole(stderr=False)
    console.file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console.print("Zoë 李明")
    console.file.flush()
    assert console.file.buffer.getvalue() == b"Zo\\xeb \\u674e\\u660e\n"
