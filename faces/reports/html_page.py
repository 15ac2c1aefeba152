"""A page of headings, tables and pictures, as one self-contained HTML file and as Markdown.

All text is escaped: markup in it is shown as it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from es_setup.private_files import private_folder, write_private
from faces.shown.html_text import breakable, escaped, with_code
from faces.shown.markdown_text import command, paragraph, plain

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Of the page: it runs no script and fetches nothing, whatever is in it."""
STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c1e23; --soft: #565b66; --rule: #d8dbe2;
  --faint: #e6e8ed; --panel: #f4f5f8; }
@media screen and (prefers-color-scheme: dark) {
  :root { --page: #141414; --ink: #e3e5ea; --soft: #a3a9b5; --rule: #3a3d44; --faint: #2a2c31;
    --panel: #202226; }
  /* Charts are drawn on white: as dark as the page, and each curve keeps its hue. */
  .chart img { filter: invert(.92) hue-rotate(180deg); } }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1.2rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin-bottom: .4rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .4rem; padding-top: .6rem; border-top: 1px solid var(--rule); }
h3 { font-size: 1.05rem; margin: 1.4rem 0 .3rem; }
p { margin: .4rem 0 .8rem; max-width: 48rem; overflow-wrap: anywhere; }
pre { padding: .6rem .8rem; background: var(--panel); white-space: pre-wrap; overflow-wrap: anywhere; }
.wide { overflow: auto; max-height: 44rem; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .9rem .3rem 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--faint); }
th { font-weight: 600; color: var(--soft); vertical-align: bottom; position: sticky; top: 0;
  background: var(--page); }
.text { text-align: left; }
td small { color: var(--soft); font-size: .82em; display: inline-block; width: max-content; max-width: 16rem;
  overflow-wrap: break-word; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: .78rem; line-height: 1.35; overflow-wrap: anywhere; }
figcaption b { font-weight: 600; }
.chart { margin: .8rem 0 1.2rem; }
.chart img { width: 46rem; max-width: 100%; }
.chart.whole img { width: 100%; }
.tiles { display: grid; gap: 1.1rem 1rem; margin: .8rem 0; }
.photos { display: flex; gap: 4px; align-items: flex-end; margin-bottom: .2rem; }
.photos img, .photos span { max-width: 160px; min-width: 0; flex: 0 1 auto; height: auto;
  object-fit: contain; border-radius: 3px; }
.photos span { width: 110px; height: 110px; display: grid; place-items: center; background: var(--panel);
  color: var(--soft); font-size: .75rem; text-align: center; }
@page { margin: 15mm; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; } tr { break-inside: avoid; }
  .wide { overflow: visible; max-height: none; } th { position: static; } }
"""


@dataclass(frozen=True)
class PagePicture:
    """
    name: of its file next to the Markdown.
    data: a PNG or JPEG; None for a photo that can't be read, which is said in its place.
    """

    name: str
    data: bytes | None
    alt: str

    def html(self) -> str:
        if self.data is None:
            return "<span>can't be read</span>"
        kind = "png" if self.data.startswith(b"\x89PNG") else "jpeg"
        encoded = base64.b64encode(self.data).decode("ascii")
        return f'<img src="data:image/{kind};base64,{encoded}" alt="{escaped(self.alt)}">'

    def markdown(self, folder: str) -> str:
        if self.data is None:
            return "(can't be read)"
        return f"![{plain(self.alt)}]({folder}/{self.name})"


class Block(Protocol):
    def html(self) -> str: ...

    def markdown(self, folder: str) -> str:
        """``folder``: of the pictures, relative to the Markdown file."""

    def pictures(self) -> Iterator[PagePicture]: ...


@dataclass(frozen=True)
class Text:
    text: str

    def html(self) -> str:
        return f"<p>{with_code(self.text)}</p>"

    def markdown(self, folder: str) -> str:
        return paragraph(self.text)

    def pictures(self) -> Iterator[PagePicture]:
        return iter(())


@dataclass(frozen=True)
class Heading:
    """A heading within a section."""

    text: str

    def html(self) -> str:
        return f"<h3>{escaped(self.text)}</h3>"

    def markdown(self, folder: str) -> str:
        return f"### {plain(self.text)}"

    def pictures(self) -> Iterator[PagePicture]:
        return iter(())


@dataclass(frozen=True)
class Command:
    """A command, on one line."""

    text: str

    def html(self) -> str:
        return f"<pre>{escaped(self.text)}</pre>"

    def markdown(self, folder: str) -> str:
        return command(self.text)

    def pictures(self) -> Iterator[PagePicture]:
        return iter(())


@dataclass(frozen=True)
class Table:
    """
    rows: of cells; all but a cell's first line is set smaller. The last cell of a short row spans the rest.
    text: how many of the first columns are text; the others are numbers.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: int = 1

    def html(self) -> str:
        names = map(escaped, self.header)
        head = "".join(f"<th{self._aligned(at)}>{name}</th>" for at, name in enumerate(names))
        body = "\n".join(f"<tr>{''.join(self._cells(row))}</tr>" for row in self.rows)
        table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
        return f'<div class="wide">{table}</div>'

    def markdown(self, folder: str) -> str:
        marks = [" --- " if at < self.text else " ---: " for at in range(len(self.header))]
        lines = [_row(self.header), f"|{'|'.join(marks)}|"]
        return "\n".join(lines + [_row(row + ("",) * (len(self.header) - len(row))) for row in self.rows])

    def pictures(self) -> Iterator[PagePicture]:
        return iter(())

    def _cells(self, row: tuple[str, ...]) -> Iterator[str]:
        """The last cell of a short row spans all missing ones, as text."""
        absent = len(self.header) - len(row)
        for at, cell in enumerate(row):
            first, *others = map(with_code, cell.split("\n"))
            content = first + "".join(f"<br><small>{line}</small>" for line in others)
            if absent and at == len(row) - 1:
                yield f'<td class="text" colspan="{absent + 1}">{content}</td>'
            else:
                yield f"<td{self._aligned(at)}>{content}</td>"

    def _aligned(self, column: int) -> str:
        return ' class="text"' if column < self.text else ""


@dataclass(frozen=True)
class Chart:
    """whole: as wide as the page."""

    picture: PagePicture
    whole: bool = False

    def html(self) -> str:
        name = "chart whole" if self.whole else "chart"
        return f'<figure class="{name}">{self.picture.html()}</figure>'

    def markdown(self, folder: str) -> str:
        return self.picture.markdown(folder)

    def pictures(self) -> Iterator[PagePicture]:
        yield self.picture


@dataclass(frozen=True)
class Tile:
    """Photos that belong together; the caption's first line is the main one."""

    photos: tuple[PagePicture, ...]
    caption: tuple[str, ...]


@dataclass(frozen=True)
class Tiles:
    """Tiles in columns, wide enough for the tile with the most photos."""

    tiles: tuple[Tile, ...]

    def html(self) -> str:
        width = 160 * max((len(tile.photos) for tile in self.tiles), default=1)
        columns = f"repeat(auto-fill, minmax({width}px, 1fr))"
        figures = "\n".join(_figure(tile) for tile in self.tiles)
        return f'<div class="tiles" style="grid-template-columns: {columns}">\n{figures}\n</div>'

    def markdown(self, folder: str) -> str:
        rows = [
            f"| {' '.join(photo.markdown(folder) for photo in tile.photos)} "
            f"| {'<br>'.join(map(plain, tile.caption))} |"
            for tile in self.tiles
        ]
        return "\n".join(["| | |", "| --- | --- |", *rows])

    def pictures(self) -> Iterator[PagePicture]:
        for tile in self.tiles:
            yield from tile.photos


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    title: str
    introduction: tuple[Block, ...]
    sections: tuple[Section, ...]

    def html(self) -> str:
        title = escaped(self.title)
        parts = [block.html() for block in self.introduction]
        for section in self.sections:
            parts.append(f"<section>\n<h2>{escaped(section.title)}</h2>")
            parts += [block.html() for block in section.blocks]
            parts.append("</section>")
        body = "\n".join(parts)
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n"
            f"<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
        )

    def markdown(self, folder: str) -> str:
        parts = [f"# {plain(self.title)}", *(block.markdown(folder) for block in self.introduction)]
        for section in self.sections:
            parts.append(f"## {plain(section.title)}")
            parts += [block.markdown(folder) for block in section.blocks]
        return "\n\n".join(parts) + "\n"

    def write(self, folder: Path, name: str) -> None:
        """``<name>.html``, ``<name>.md`` and the latter's ``<name>-pictures/``, all private.

        Raises:
            OSError: the folder can't be written to.
        """
        pictures = f"{name}-pictures"
        private_folder(folder)
        private_folder(folder / pictures)
        for former in (folder / pictures).iterdir():  # no photo of a person outlives its page
            if former.suffix in PICTURES:
                former.unlink()
        write_private(folder / f"{name}.html", _encoded(self.html()))
        write_private(folder / f"{name}.md", _encoded(self.markdown(pictures)))
        for picture in self._pictures():
            if picture.data is not None:
                write_private(folder / pictures / picture.name, picture.data)

    def _pictures(self) -> Iterator[PagePicture]:
        for blocks in (self.introduction, *(section.blocks for section in self.sections)):
            for block in blocks:
                yield from block.pictures()


PICTURES = (".jpg", ".png")


def _encoded(text: str) -> bytes:
    # A path whose bytes aren't UTF-8 has characters that UTF-8 can't encode.
    return text.encode("utf-8", "replace")


def _figure(tile: Tile) -> str:
    photos = "".join(photo.html() for photo in tile.photos)
    first, *others = map(breakable, tile.caption)
    caption = "<br>".join([f"<b>{first}</b>", *others])
    return f'<figure><div class="photos">{photos}</div><figcaption>{caption}</figcaption></figure>'


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join("<br>".join(map(plain, cell.split("\n"))) for cell in cells) + " |"
