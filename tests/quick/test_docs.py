"""The docs as pages: links lead somewhere, the table of contents is complete, the README is short."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
CONTENTS = Path("docs/README.md")
PAGES = tuple(
    path.relative_to(ROOT)
    for path in (
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")),
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "docs").glob("*.ipynb")),
    )
)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`(?:[^`\n]|\n(?!\n))*`")
PICTURE = re.compile(r"!\[[^\[\]]*\]\(([^()\s]+)\)")
LINK = re.compile(r"\[[^\[\]]*\]\(([^()\s]+)\)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s+(\S+)", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)


def read(path: Path) -> str:
    """A page's Markdown; a notebook's is that of its cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def prose(text: str) -> str:
    """The text without its code, in which brackets are no links."""
    return INLINE_CODE.sub("`code`", FENCE.sub("", text))


def links(text: str) -> Iterator[str]:
    """Targets of all links and pictures to files of this repository and headings of this page."""
    text = prose(text)
    # A picture may be what a link shows.
    for target in (*PICTURE.findall(text), *LINK.findall(PICTURE.sub("", text)), *REFERENCE.findall(text)):
        if not ELSEWHERE.match(target):
            yield target


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings: lower case, without punctuation, spaces as hyphens; a repeated one
    gets a number."""
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE):
        shown = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 0
        while (numbered := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(numbered)
    return found


def problems(root: Path, page: Path) -> list[str]:
    """Links of a page that lead nowhere, each with the reason."""
    text = read(root / page)
    found = []
    for link in links(text):
        name, _, anchor = unquote(link).partition("#")
        target = (root / page.parent / name).resolve() if name else root / page
        if not target.is_relative_to(root.resolve()) or not target.exists():
            found.append(f"{page}: [{link}] is not there")
        elif anchor and anchor not in anchors(read(target)):
            found.append(f"{page}: [{link}] has no such heading")
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_a_file_or_heading_that_is_there(page):
    assert problems(ROOT, page) == []


def test_no_link_leads_to_a_file_that_git_leaves_out():
    """A file may be here and in nobody else's checkout."""
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin"],
        cwd=ROOT,
        input="\n".join(
            str(page.parent / link.partition("#")[0])
            for page in PAGES
            for link in links(read(ROOT / page))
            if link.partition("#")[0]
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ignored.returncode, ignored.stdout) == (1, "")


def test_every_page_is_in_the_table_of_contents():
    text = read(ROOT / CONTENTS)
    listed = {(ROOT / CONTENTS.parent / link.partition("#")[0]).resolve() for link in links(text)}
    assert {str(page) for page in PAGES if (ROOT / page).resolve() not in listed} == {str(CONTENTS)}


@pytest.mark.parametrize("name", ["README", "docs/README", "docs/first-steps", "docs/command-line"])
def test_a_newcomers_page_says_where_the_command_line_is_before_it_types_it(name):
    """`faces` alone is on the PATH only where pip has put it; in a checkout it is `./run faces`."""
    text = read(ROOT / f"{name}.md")
    typed = re.search(r"`faces [a-z]|```[^`]*^faces [a-z]", text, re.MULTILINE)
    before = text[: typed.start()] if typed else ""
    assert not typed or ("`./run faces …`" in before and "`pip install ingest-face`" in before)


def test_each_recipe_installs_a_client_that_8_19_understands():
    """A plain `pip install elasticsearch` brings 9.x, whose requests 8.19 refuses."""
    installed = [
        (str(page), command)
        for page in PAGES
        for command in re.findall(r"pip install ([^\n`]*(?:elasticsearch|eland)[^\n`]*)", read(ROOT / page))
    ]
    assert {"README.md", "docs/send-photos.md", "docs/clients.md"} <= {page for page, _ in installed}
    assert [found for found in installed if not re.search(r'"elasticsearch[^" ]*,<9"', found[1])] == []


def test_the_readme_has_fewer_than_200_lines_and_leads_to_the_table_of_contents():
    text = read(ROOT / "README.md")
    assert len(text.splitlines()) < 200
    assert str(CONTENTS) in set(links(text))


def test_the_pages_are_found():
    names = {str(page) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/architecture.md"} <= names
    assert sum(len(list(links(read(ROOT / page)))) for page in PAGES) > 100


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("[there](other.md)", []),
        ("[there](other.md#two-words)", []),
        ("[here](#page-one)", []),
        ("[`code`](other.md#acode-b)", []),
        ("[again](other.md#two-words-1)", []),
        ("[away](https://example.org/nothing#here)", []),
        ("```\n[code](gone.md)\n```", []),
        ("`[code](gone.md)`", []),
        ("[gone](gone.md)", ["page.md: [gone.md] is not there"]),
        ("![gone](gone.png)", ["page.md: [gone.png] is not there"]),
        ("[![picture](gone.png)](other.md)", ["page.md: [gone.png] is not there"]),
        ("[![picture](other.md)](gone.md)", ["page.md: [gone.md] is not there"]),
        ("[outside](../outside.md)", ["page.md: [../outside.md] is not there"]),
        ("[heading](other.md#three)", ["page.md: [other.md#three] has no such heading"]),
        ("[heading](#other)", ["page.md: [#other] has no such heading"]),
        ("[commented](other.md#not-a-heading)", ["page.md: [other.md#not-a-heading] has no such heading"]),
        ("[ref]: gone.md", ["page.md: [gone.md] is not there"]),
    ],
)
def test_the_check_notices_a_broken_link_and_only_that(tmp_path, link, said):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.md").touch()
    (root / "page.md").write_text(f"# Page: *one*\n\n{link}\n")
    other = ("## Two words", "```\n# Not a heading\n```", "### `a.code` (b)", "## Two words")
    (root / "other.md").write_text("\n\n".join(other))
    assert problems(root, Path("page.md")) == said
