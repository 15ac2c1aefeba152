"""What `faces index` prints of photos as they are indexed, and at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from faces.cli.output import counted, err, indexing_summary, out, say
from faces.indexing.failures_file import FailuresFile
from faces.indexing.outcomes import IndexedPhoto, IndexingCounts, Outcome, failed
from faces.photo_folders.reading import SkippedFile, reasons
from faces.photos import PhotoFile, SentPhoto


class IndexReport:
    """Counts the outcomes of a run, and names what a person must know.

    Args:
        failures: the file that gets each photo that failed; None: none is written.
        dry_run: whether the outcomes are those that there would be.
    """

    def __init__(self, skipped: list[SkippedFile], failures: Path | None, dry_run: bool) -> None:
        self.counts = IndexingCounts()
        self.counts.skip(len(skipped))
        self._skipped = list(skipped)
        self._failures = FailuresFile(failures) if failures else None
        self._failed = 0
        self._dry_run = dry_run
        self.began = False

    def add_unreadable_folder(self, folder: str) -> None:
        err.print(f"{folder}: the folder can't be read")
        self._write(failed(PhotoFile(Path(folder), folder), "unreadable_file", "the folder can't be read"))

    def add(self, indexed: IndexedPhoto) -> None:
        self.began = True
        self.counts.add(indexed)
        if indexed.outcome is Outcome.SKIPPED:
            self._skipped.append(SkippedFile(indexed.photo.name, indexed.notice or ""))
            return
        self._write(indexed)
        # A photo in the folders of two people has no label of its own.
        name = f" [{indexed.photo.label}]" if indexed.photo.label else ""
        not_named = indexed.not_named and f"not named{name}: {indexed.not_named}"
        for text in (indexed.error, indexed.notice, not_named):
            if text:
                err.print(f"{_place(indexed.photo)}: {text}")

    def finish(self, list_skipped: bool, as_json: bool) -> None:
        """Prints the counts of all files; the last line says how many had which outcome. As JSON nothing is
        printed: that is for `as_json`.

        Raises:
            OSError: the file of failures couldn't be written; there is no part of it.
        """
        if not as_json:
            self._print(reasons(self._skipped), list_skipped)
        self.close()
        if self._failed and not self._failures:
            failed_photos = counted(self._failed, "photo")
            say(f"{failed_photos} with an error: --failures FILE writes what to do about each")

    def as_json(self) -> dict[str, Any]:
        dry: dict[str, Any] = {"dry_run": True} if self._dry_run else {}
        names = {
            reason: [file.name for file in self._skipped if file.reason == reason]
            for reason in reasons(self._skipped)
        }
        return {**dry, **self.counts.as_json(), "skipped_files": names}

    def close(self) -> None:
        """Shows the file of failures.

        Raises:
            OSError: it couldn't be written; there is no part of it.
        """
        if self._failures:
            self._failures.finish()

    def _write(self, indexed: IndexedPhoto) -> None:
        self._failed += indexed.error is not None
        if self._failures:
            self._failures.add(indexed)

    def _print(self, why: dict[str, int], list_skipped: bool) -> None:
        if list_skipped:
            for file in self._skipped:
                out.print(f"skipped: {file.name} ({file.reason})")
        elif why:
            say(f"skipped: {listed(why)} (--list-skipped names them)")
        if self.counts.kept:
            say(f"kept what stands in: {listed(dict(self.counts.kept))} (sent with another value)")
        if not self._dry_run:
            out.print(indexing_summary(self.counts))
        not_named = f"; {self.counts.not_named} without the name they were sent with"
        would = "would be: " if self._dry_run else ""
        out.print(would + listed(self.counts.by_outcome()) + (not_named if self.counts.not_named else ""))


def listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.items())


def _place(photo: PhotoFile) -> str:
    line = photo.line if isinstance(photo, SentPhoto) else None
    return photo.name if line is None or photo.name == f"line {line}" else f"line {line}: {photo.name}"
