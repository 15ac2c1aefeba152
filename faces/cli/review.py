"""The command `faces review`."""

from __future__ import annotations

import os
from collections import Counter
from typing import Annotated, Any, Literal

import typer
from elasticsearch import Elasticsearch, NotFoundError

from es_setup.connection import Connection
from es_setup.shipped_files import GALLERY, PROBES
from faces.calibration.indices import Shared, judgement_of, shared
from faces.cli import asking
from faces.cli.options import IndexOption, JsonFlag, connected_to_elasticsearch
from faces.cli.output import chance, err, explained, out, print_json, say
from faces.cli.servers import stopped_by_signals
from faces.decisions.labelling import BadName, one_name
from faces.reviewing.deciding import Decided, Review
from faces.reviewing.portraits import crops_of, side_by_side
from faces.reviewing.queue import Order, Queue, UncertainFace
from faces.searchable import NoFaces, Searchable, searchable
from faces.shown.terminal import table
from faces.shown.terminal_pictures import Protocol, protocol_of, sequence

LISTED = 1_000
"""Faces that `--json` lists by default."""
DECIDED = ("confirmed", "named", "rejected", "ignored")
KEYS = "r reject all, n name, i ignore, s skip, u undo, q quit:"


@connected_to_elasticsearch
def review(
    connection: Connection,
    index: IndexOption = PROBES,
    include_matches: Annotated[
        bool, typer.Option("--include-matches", help="also matches that nobody confirmed")
    ] = False,
    watch: Annotated[
        str | None,
        typer.Option("--watch", metavar="TAG", help="only faces that may show somebody with this tag"),
    ] = None,
    order: Annotated[Order, typer.Option(help="the most similar first, or the newest photos")] = "similarity",
    gallery: Annotated[str, typer.Option(help="index or alias of the portraits")] = GALLERY,
    pictures: Annotated[
        Literal["auto", "never"],
        typer.Option(help="`auto`: show the face beside the portraits, in iTerm2, kitty and the like"),
    ] = "auto",
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"at most so many faces; default: all, with --json {LISTED:,}")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="change nothing; answers say what would be changed")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Decide about uncertain matches, one face after the other. Each answer is written at once: end whenever
    you like, and go on later. In a script: a letter a line on standard input.

    1 to 5: it is this candidate. r: none of them. n: somebody else, whom you name. i: ignore this face. s:
    skip. u: undo the last answer. q: quit. Needs Elasticsearch alone.
    """
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        where = searchable(es, index)
        portraits = _portraits(es, gallery)
        queue = Queue(where, _judged(es, where, portraits), include_matches, watch, order)
        if as_json:
            _list(es, queue, limit or LISTED)
            return
        protocol = protocol_of(os.environ, out.is_terminal) if pictures == "auto" else None
        session = _Session(es, Review(es, where, dry_run), portraits, protocol, queue.count(es))
        try:
            session.run(queue, limit)
        finally:
            session.report(dry_run)
    if session.counts["failed"]:
        raise typer.Exit(1)


def _portraits(es: Elasticsearch, gallery: str) -> Searchable | None:
    """None without such a gallery: faces can be reviewed all the same."""
    try:
        return searchable(es, gallery)
    except (NoFaces, NotFoundError):
        say(f"note: no gallery [{gallery}]: its portraits aren't shown")
        return None


def _judged(es: Elasticsearch, where: Searchable, portraits: Searchable | None) -> Shared:
    """As the gallery's index says, where candidates come from."""
    return judgement_of(es, portraits.name) if portraits else shared(where.recorded)


def _list(es: Elasticsearch, queue: Queue, limit: int) -> None:
    found: list[dict[str, Any]] = []
    for face in queue.faces(es):
        if len(found) == limit:
            break
        found.append(face.as_json())
    print_json({"total": queue.count(es), "faces": found})


class _Session:
    """A person's answers, and what became of them."""

    def __init__(
        self,
        es: Elasticsearch,
        review: Review,
        portraits: Searchable | None,
        protocol: Protocol | None,
        total: int,
    ) -> None:
        self.es, self.review, self.portraits, self.protocol = es, review, portraits, protocol
        self.total = total
        self.counts: Counter[str] = Counter()
        self.kinds: list[str] = []
        """Of what was decided, the last at the end."""

    def run(self, queue: Queue, limit: int | None) -> None:
        for number, face in enumerate(queue.faces(self.es)):
            if number == limit:
                return
            # With those whose decision was taken back on top.
            waiting = [face]
            while waiting:
                answer = self._asked(waiting[-1])
                if answer is None:
                    return
                if answer is waiting[-1]:
                    waiting.pop()
                else:
                    waiting.append(answer)

    def report(self, dry_run: bool) -> None:
        counts = self.counts
        decided = sum(counts[kind] for kind in DECIDED)
        words = [
            f"{counts[kind]} {kind}" for kind in (*DECIDED, "skipped", "undone", "failed") if counts[kind]
        ]
        if taken := counts["taken"]:
            words.append(f"{taken} decided meanwhile by somebody else")
        told = f" ({', '.join(words)})" if words else ""
        left = self.total if dry_run else max(0, self.total - decided - taken)
        if dry_run:
            say("dry run: nothing was changed")
        out.print(f"{decided} decided{told}; {left} left to review")

    def _asked(self, face: UncertainFace) -> UncertainFace | None:
        """Asks about one face until it is decided or skipped, which returns it. Another one, if the decision
        about that was taken back. None to end."""
        self._show(face)
        names = [one.name for one in face.candidates]
        while (pressed := asking.key(self._question(len(names)))) not in (None, "q"):
            if pressed == "s":
                self.counts["skipped"] += 1
                return face
            if pressed == "u":
                if back := self._undo():
                    return back
            elif self._decided(face, names, pressed or ""):
                return face
        return None

    def _question(self, candidates: int) -> str:
        return f"1{f'-{candidates}' if candidates > 1 else ''} confirm, {KEYS}"

    def _decided(self, face: UncertainFace, names: list[str | None], pressed: str) -> bool:
        """Whether this answer decides about the face, or finds it decided."""
        if pressed.isdecimal() and 1 <= int(pressed) <= len(names):
            if name := names[int(pressed) - 1]:
                return self._count("confirmed", self.review.name(face, name))
            say("this portrait has no name: n gives the face one")
        elif pressed == "r" and any(names):
            return self._count("rejected", self.review.reject(face))
        elif pressed == "n":
            if name := _name(asking.line("name:")):
                return self._count("named", self.review.name(face, name))
        elif pressed == "i":
            return self._count("ignored", self.review.ignore(face))
        return False

    def _count(self, kind: str, decided: Decided) -> bool:
        if decided.outcome == "changed":
            self.counts[kind] += 1
            self.kinds.append(kind)
        else:
            self.counts[decided.outcome] += 1
            err.print(f"not changed: {decided.reason}")
        return True

    def _undo(self) -> UncertainFace | None:
        """The face that is undecided again."""
        undone = self.review.undo()
        if undone is None:
            say("nothing to undo")
            return None
        face, decided = undone
        kind = self.kinds.pop()
        if decided.outcome != "changed":
            err.print(f"not undone: {decided.reason}")
            return None
        self.counts[kind] -= 1
        self.counts["undone"] += 1
        return face

    def _show(self, face: UncertainFace) -> None:
        which = f", face {face.position} of {face.of}" if face.of > 1 else ""
        out.print(f"{face.path}{which} [{'/'.join(face.key)}]")
        if self.protocol:
            out.file.write(sequence(self._picture(face), self.protocol))
        found = table("", "person", "similarity", "verdict", "probability", "tags")
        for number, one in enumerate(face.candidates, start=1):
            match = " (match)" if number == 1 and face.match else ""
            found.add_row(
                str(number),
                (one.name or "-") + match,
                f"{one.similarity:.3f}",
                one.verdict,
                "-" if one.probability is None else chance(one.probability),
                ", ".join(one.tags) or "-",
            )
        out.print(found)

    def _picture(self, face: UncertainFace) -> bytes:
        ids = [one.gallery_id for one in face.candidates]
        crops = crops_of(self.es, self.portraits, [one for one in ids if one]) if self.portraits else {}
        return side_by_side([face.crop, *(crops.get(one or "") for one in ids)])


def _name(text: str | None) -> str | None:
    """A name that somebody gave; None if it can't be one."""
    try:
        return one_name(text) if text else None
    except BadName as error:
        say(str(error))
        return None
