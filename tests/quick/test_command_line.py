"""The command `faces` itself: version, help, options of every command, completion, plain text in pipes."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperOption
from typer.testing import CliRunner

from faces.cli import app
from faces.cli.output import notes
from faces.cli.verbosity import LOGGERS
from ingest_service import __version__

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:1"
"""An address at which nothing listens."""
GROUP = typer.main.get_command(app)


def commands(group: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command, those of groups included."""
    found = [above]
    for name, command in getattr(group, "commands", {}).items():
        found += commands(command, (*above, name))
    return found


COMMANDS = commands(GROUP)


@pytest.fixture(autouse=True)
def as_before():
    """`-q` silences the notes of this process, `-v` has its requests printed: not those of the next test."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.handlers, logger.propagate) for logger in loggers]
    yield
    notes.quiet = False
    for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers, logger.propagate = handlers, propagate


def invoke(*arguments: str, **environment: str):
    """Runs `faces` in this process."""
    known = {"ES_URL": NOWHERE, "FACES_URL": NOWHERE, "TERM": "dumb"}
    return CliRunner().invoke(app, arguments, env=known | environment, prog_name="faces")


def run(
    *arguments: str, stdout: Any = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs `faces` as a process, whose output goes into pipes by default."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "faces", *arguments],
        cwd=ROOT,
        env={**kept, "ES_URL": NOWHERE, "FACES_URL": NOWHERE, **environment},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


def test_there_are_commands_and_groups():
    assert {(), ("install",), ("attach",), ("index",), ("search",), ("status",)} <= set(COMMANDS)
    assert {("dashboards", name) for name in ("install", "export", "check")} <= set(COMMANDS)


def test_the_version_is_that_of_the_package():
    result = invoke("--version")
    assert (result.exit_code, result.stdout.split()) == (0, ["faces", __version__])


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_refuses_unknown_options_with_status_2(words):
    result = invoke(*words, "--help")
    assert result.exit_code == 0
    assert " ".join(("faces", *words)) in result.stdout
    assert "\x1b" not in result.output
    result = invoke(*words, "--no-such-option")
    assert result.exit_code == 2
    assert "--no-such-option" in result.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_and_option_has_a_help_text(words):
    command = GROUP
    for word in words:
        command = command.commands[word]
    assert command.help
    options = [parameter for parameter in command.params if isinstance(parameter, TyperOption)]
    assert options or hasattr(command, "commands"), "only a group has no options of its own"
    assert [option.name for option in options if not option.help] == []


def test_an_unknown_command_and_an_absent_argument_are_status_2(tmp_path):
    assert invoke("no-such-command").exit_code == 2
    assert invoke("index").exit_code == 2
    assert invoke("index", str(tmp_path / "absent")).exit_code == 2
    assert invoke("search", str(tmp_path)).exit_code == 2


@pytest.mark.parametrize("option", ["-q", "--quiet", "-v", "--verbose"])
def test_quiet_and_verbose_are_accepted_before_and_after_the_command(option):
    plain, before, after = invoke("status"), invoke(option, "status"), invoke("status", option)
    assert plain.exit_code == before.exit_code == after.exit_code == 1
    assert before.stdout == after.stdout == plain.stdout


NAMING = [
    ("label", "a.jpg", "--name"),
    ("label", "--similar-to", "a.jpg", "--name"),
    ("not-this-person", "a.jpg", "--name"),
    ("rename", "Ann"),
    ("merge", "Ann"),
    ("enroll", __file__, "--name"),
    ("add-face", "a.jpg", "--box", "1,1,9,9", "--name"),
    ("group", "name", "g2k7ha", "--yes", "--name"),
]
"""Commands that give a name, which comes last."""


@pytest.mark.parametrize("name", ["", " ", "\u200b"])
@pytest.mark.parametrize(
    "words", [*NAMING, ("gallery", "tag", "Ann"), ("gallery", "untag", "Ann")], ids=" ".join
)
def test_an_empty_name_is_status_2_before_any_server_is_asked(words, name):
    result = invoke(*words, name)
    assert result.exit_code == 2
    assert NOWHERE not in result.stderr


@pytest.mark.parametrize("words", NAMING, ids=" ".join)
def test_a_name_has_at_most_200_characters(words):
    assert invoke(*words, "n" * 201).exit_code == 2
    assert invoke(*words, f" {'n' * 200} ").exit_code == 1, "as there is no server"


@pytest.mark.parametrize(
    "words",
    [
        ("list", "photos", "--name"),
        ("export", "--name"),
        ("decisions", "--name"),
        ("forget", "--dry-run", "--person"),
        ("gallery", "show"),
    ],
    ids=" ".join,
)
def test_a_longer_name_that_stands_already_can_be_asked_for(words):
    assert invoke(*words, "n" * 201).exit_code == 1, "as there is no server"
    assert invoke("rename", "n" * 201, "Ann").exit_code == 1


def test_a_table_of_who_is_who_is_a_file(tmp_path):
    for file in (tmp_path / "absent.csv", tmp_path):
        result = invoke("label", "--from", str(file))
        assert result.exit_code == 2
        assert "Errno" not in result.stderr


def test_for_a_script_label_asks_nothing_that_it_does_not_show():
    words = ("label", "--similar-to", "a.jpg", "--name", "Ann", "--json")
    assert invoke(*words).exit_code == 2
    assert [invoke(*words, answer).exit_code for answer in ("--yes", "--dry-run")] == [1, 1]


def test_options_of_group_that_belong_to_its_subcommand_are_not_ignored():
    """Else `faces group --dry-run name …` would name."""
    for words in (
        ("--dry-run", "name", "g2k7ha", "--name", "Ann"),
        ("--index", "a", "list"),
        ("--json", "list"),
    ):
        result = invoke("group", *words)
        assert result.exit_code == 2
        assert words[0] in result.stderr
    assert invoke("group", "-q", "list").exit_code == 1, "as there is no server"


def test_quiet_leaves_out_notes_and_keeps_errors():
    def said(*arguments: str) -> str:
        result = invoke(*arguments)
        assert result.exit_code == 1
        return result.stderr

    assert "note: " in said("install")
    for quiet in (said("-q", "install"), said("install", "-q")):
        assert "note: " not in quiet
        assert "error: " in quiet
        notes.quiet = False


def test_an_empty_folder_is_status_1_and_named(tmp_path):
    result = invoke("index", str(tmp_path))
    assert result.exit_code == 1
    assert str(tmp_path) in result.stderr


def test_commands_are_completed():
    completed = invoke(_FACES_COMPLETE="complete_bash", COMP_WORDS="faces dash", COMP_CWORD="1")
    assert completed.stdout.split() == ["dashboards"]


def test_a_pipe_gets_no_escape_sequences():
    result = run("status", "-v")
    assert result.returncode == 1
    assert NOWHERE in result.stdout
    assert result.stderr
    assert "\x1b" not in result.stdout + result.stderr


def test_with_no_color_a_terminal_gets_no_escape_sequences():
    def shown(**environment: str) -> str:
        ours, theirs = pty.openpty()
        with os.fdopen(theirs, "wb") as terminal:
            run("-h", stdout=terminal, TERM="xterm-256color", **environment)
        shown = b""
        # A terminal gives a few thousand bytes at a time, and at its end an error.
        with os.fdopen(ours, "rb", buffering=0) as end, suppress(OSError):
            while piece := end.read(100_000):
                shown += piece
        return shown.decode()

    assert "\x1b" in shown()
    plain = shown(NO_COLOR="1")
    assert all(words[0] in plain for words in COMMANDS if words)
    assert "\x1b" not in plain


def test_a_server_that_is_away_is_one_sentence():
    words = [sys.executable, "-m", "faces", "list", "people", "--es-url", NOWHERE]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr


@pytest.mark.parametrize("words", [words for words in COMMANDS if words])
def test_the_help_of_a_command_says_what_it_needs(words):
    command = GROUP
    for word in words:
        command = command.commands[word]
    assert hasattr(command, "commands") or "Needs" in command.help.split()
