"""What would become of photos that the index lacks, if they were sent."""

from __future__ import annotations

from collections import defaultdict

from faces.indexing.contents import PhotoContent
from faces.indexing.outcomes import IndexedPhoto, Outcome


class Planned:
    """The contents that a dry run would have stored by now, and under which names."""

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = defaultdict(set)

    def outcome(self, content: PhotoContent, notices: dict[str, str]) -> IndexedPhoto:
        """That of the next photo that the index lacks.

        Args:
            notices: SHA-256 -> what the sender must know.
        """
        names = self._names[content.sha256]
        if not names:
            outcome = Outcome.NEW
        else:
            is_known = not content.is_file or content.photo.name in names
            outcome = Outcome.UNCHANGED if is_known else Outcome.COPIED
        names.add(content.photo.name)
        return IndexedPhoto(content.photo, outcome, notice=notices.get(content.sha256))
