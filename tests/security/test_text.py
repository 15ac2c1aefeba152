"""Documents, files and arguments whose texts would act if a command showed them as anything but text."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile_text import ALL, FLOOD, MATHS, TERMINAL
from markdown_it import MarkdownIt
from secured import PASSWORD, ROOT
from secured_stack import KEY, Secured
from tools import encoded
from typer.testing import CliRunner

from faces.cli import app

INDEX = "faces-hostile"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(secured: Secured) -> Run:
    """Runs `faces` as `root`; returns both outputs, in which nothing acts."""
    variables = {
        "ES_URL": secured.node.url,
        "ES_USER": ROOT,
        "ES_PASSWORD": PASSWORD,
        "ES_CA_CERTS": str(secured.authority.certificate),
        "FACES_URL": secured.service.url,
        "FACES_API_KEY": KEY,
        "FACES_CA_CERTS": str(secured.authority.certificate),
    }

    def invoke(*arguments: object, status: int = 0) -> str:
        result = CliRunner().invoke(app, list(map(str, arguments)), env=variables)
        said = result.stdout + result.stderr
        assert result.exit_code == status, said
        acting = [one for one in said if one != "\n" and not (one.isprintable() or one.isspace())]
        assert acting == []
        assert "\r" not in said
        # No accent covers the lines above and below, and no text is a line of its own.
        assert not re.search("\u0301{9}", said)
        assert "error: forged" not in map(str.strip, said.split("\n"))
        return said

    return invoke


@pytest.fixture(scope="module")
def hostile(secured: Secured, people: dict[str, list[Path]]) -> list[str]:
    """An index of portraits, each with one hostile text as its name, path, observer and tag; these texts."""
    root = secured.as_(ROOT)
    root.indices.create(index=INDEX)
    photos = [photo for named in people.values() for photo in named]
    for number, (text, photo) in enumerate(zip(ALL.values(), photos, strict=False)):
        document = {
            "image": encoded(photo),
            "person": {"name": text},
            "file": {"path": f"{number}/{text}"},
            "observer": {"name": text},
            "tags": [text],
        }
        root.index(index=INDEX, id=f"{number} {text}"[:120], document=document)
    root.indices.refresh(index=INDEX)
    return list(ALL.values())


def test_a_search_shows_and_draws_any_name_and_path(run: Run, hostile, people, tmp_path):
    (photo, *_), *_ = people.values()
    odd = tmp_path / MATHS.replace("/", "")
    shutil.copy(photo, odd)
    picture = tmp_path / "matches.png"
    said = run("search", odd, "--index", INDEX, "-k", 20, "--plot", picture)
    rows = [line for line in said.split("\n") if re.match(r" *\d+ ", line)]
    assert len(rows) == len(hostile)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_a_search_writes_as_json_is_ascii_and_whole(run: Run, hostile, people):
    (photo, *_), *_ = people.values()
    said = run("search", photo, "--index", INDEX, "-k", 20, "--json")
    assert said.isascii()
    found, _ = json.JSONDecoder().raw_decode(said)
    assert {match["path"].partition("/")[2] for match in found["matches"]} == set(hostile)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.policies: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attrs:
            self.policies.append(dict(attrs)["content"])
        self.attributes |= {
            (name, (value or "")[:16]) for name, value in attrs if name not in ("alt", "content")
        }


def test_a_page_about_an_index_runs_nothing_and_links_nowhere(run: Run, hostile, tmp_path):
    run("explore", "--index", INDEX, "--out", tmp_path / "page", "--json", tmp_path / "numbers.json")
    page = Tags((tmp_path / "page" / "explore.html").read_text())
    assert not page.tags & {"script", "a", "iframe", "object", "embed", "form", "link", "base", "svg", "b>"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "href"]
    assert {value for name, value in page.attributes if name == "src"} <= {
        "data:image/png;b",
        "data:image/jpeg;",
    }
    assert len(page.policies) == 1
    assert "default-src 'none'" in page.policies[0]
    assert (tmp_path / "numbers.json").read_bytes().isascii()
    tokens = MarkdownIt("commonmark").enable("table").parse((tmp_path / "page" / "explore.md").read_text())
    inline = [inner for token in tokens for inner in token.children or ()]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {"link_open", "html_block", "bullet_list_open", "code_inline"}
    assert {token.content for token in inline if token.type == "html_inline"} <= {"<br>"}
    sources = {token.attrs["src"] for token in inline if token.type == "image"}
    assert all(source.startswith("explore-pictures/") for source in sources)


def test_files_and_folders_are_named_as_text(run: Run, secured, people, tmp_path):
    (photo, *_), *_ = people.values()
    names = [text.replace("/", "")[:60] for text in ALL.values()]
    for number, name in enumerate(names):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        shutil.copy(photo, folder / f"{name}.jpg")
        (folder / f"{name}.txt").write_text(str(number))
    (tmp_path / "photos" / os.fsdecode(b"\xff\x1b[31m")).mkdir()
    arguments = ("--index", INDEX, "--labels", "folder", "--list-skipped")
    # One photo in the folders of many people gets none of their names, and all of these are told.
    said = run("index", tmp_path / "photos", *arguments, status=1)
    assert said.count("skipped: ") >= len(names)
    run("index", tmp_path / TERMINAL.replace("/", ""), status=2)
    run("search", tmp_path / TERMINAL.replace("/", ""), status=2)
    run("search", photo, "--index", f"no-{TERMINAL}", status=1)
    run("explore", "--index", f"no-{FLOOD}", status=1)
    run(TERMINAL, status=2)
    run("status", TERMINAL, status=2)


def test_servers_that_answer_with_hostile_text_are_quoted_as_text(run: Run, hostile):
    run("status", "--es-user", f"{TERMINAL}", status=1)
    run("-v", "explore", "--index", f"no-{TERMINAL}", status=1)
