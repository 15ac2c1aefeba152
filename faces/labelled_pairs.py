"""The pairs of photos that a list in LFW's format names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faces.labelled_photos import Folder, FolderError, some
from faces.names import nfc
from faces.photos import readable


@dataclass(frozen=True)
class LabelledPair:
    """
    first, second: positions in ``Folder.photos``.
    same: both show one person.
    fold: from 0.
    """

    first: int
    second: int
    same: bool
    fold: int


def read_pairs(file: Path, folder: Folder) -> list[LabelledPair]:
    """The pairs of a list in the format of LFW's pairs.txt, in its order.

    The first line is ``folds<TAB>n``, or only ``n`` for one fold, as in pairsDevTest.txt. Each fold has n
    pairs of one person, ``name<TAB>number<TAB>number``, and n of two people,
    ``name<TAB>number<TAB>name<TAB>number``. Without that first line the list is one fold. A photo is
    ``<name>/<name>_<number, four digits>`` with any suffix.

    Raises:
        FolderError: no such file, a line that can't be read, too few or too many lines, missing photos.
    """
    where = readable(file)
    lines = _lines(file)
    if not lines:
        raise FolderError(f"[{where}] has no pairs")
    header = _header(lines[0][1])
    folds, size = header or (1, len(lines))
    pairs = lines[1:] if header else lines
    if header and len(pairs) != 2 * folds * size:
        raise FolderError(
            f"the first line of [{where}] says {folds} x {2 * size} pairs, but there are {len(pairs)}: "
            "is the file complete?"
        )
    found = _positions(folder)
    read = [_names(where, number, text) for number, text in pairs]
    wanted = dict.fromkeys(name for names in read for name in names)
    absent = [f"{person}/{stem}" for person, stem in wanted if (person, stem) not in found]
    if absent:
        raise FolderError(f"photos of [{where}] missing in [{readable(folder.root)}]: {some(absent)}")
    each = len(pairs) // folds
    return [
        LabelledPair(found[first], found[second], first[0] == second[0], at // each)
        for at, (first, second) in enumerate(read)
    ]


def _lines(file: Path) -> list[tuple[int, str]]:
    """Lines that aren't empty, with their numbers from 1."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as problem:
        raise FolderError(
            f"the list of pairs [{readable(file)}] can't be read: {problem.strerror}"
        ) from problem
    except UnicodeDecodeError as problem:
        raise FolderError(f"[{readable(file)}] is no list of pairs: it isn't UTF-8 text") from problem
    return [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _header(line: str) -> tuple[int, int] | None:
    """Folds, and pairs of each kind in a fold."""
    numbers = [int(field) for field in line.split() if field.isdecimal()]
    if len(numbers) != len(line.split()) or len(numbers) not in (1, 2) or 0 in numbers:
        return None
    return (1, numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def _names(where: str, number: int, line: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Person and file name without suffix, of both photos."""
    fields = nfc(line).split("\t")
    if len(fields) == 3:
        fields = [fields[0], fields[1], fields[0], fields[2]]
    elif len(fields) != 4 or fields[0] == fields[2]:
        raise _unreadable(where, number, line)
    if not (fields[1].isdecimal() and fields[3].isdecimal()) or fields[:2] == fields[2:]:
        raise _unreadable(where, number, line)
    first, second = ((name, f"{name}_{int(photo):04}") for name, photo in (fields[:2], fields[2:]))
    return first, second


def _positions(folder: Folder) -> dict[tuple[str, str], int]:
    """Person and file name without suffix to position; of two photos with one name, the first."""
    found: dict[tuple[str, str], int] = {}
    for at, (photo, person) in enumerate(zip(folder.photos, folder.people, strict=True)):
        found.setdefault((person, nfc(photo.stem)), at)
    return found


def _unreadable(where: str, number: int, line: str) -> FolderError:
    return FolderError(
        f"line {number} of [{where}] can't be read: [{line[:80]}]. Write a name and two photo numbers, or "
        "two names with a photo number each, separated by tabs"
    )
