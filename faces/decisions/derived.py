"""What follows an edit: names that are one, and numbers.

As the plugin computes them (``FaceDocument.followEdits``, ``PhotoName.followEdit``), so that a document is
the same where no pipeline runs. A test holds both equal.
"""

from __future__ import annotations

from typing import Any

from faces.decisions.documents import NO_FACE, Document, face_id
from faces.decisions.state import state_of_face
from faces.names import all_names, is_lone, plain, tidy


def follow(document: Document, before: Document) -> None:
    """Lets names and numbers of an edited document follow.

    Args:
        before: as it was read.
    """
    _make_names_one(document, before)
    _remember_sent_name(document, before)
    _tidy_name(document)
    if document.is_portrait or document.get("model.id") is None or document.get("faces") is None:
        return
    faces = document.faces
    for face in faces:
        tidy_face(face)
    document.replace("photo.faces_found", _faces_found(document))
    _count_names(document)
    _leave_groups(document)
    _count_faces(document)


def _make_names_one(document: Document, before: Document) -> None:
    """Where a photo has exactly one face, its ``person.name`` and the face's label are one thing."""
    face = lone_face(document)
    if face is None:
        return
    label, label_before = document.label_of(face), _label_before(face, before)
    name, name_before = document.name, before.name
    is_new_label, is_new_name = label != label_before, name != name_before
    if name is None:
        if not is_new_label and label is not None and label == name_before:
            # The name was taken back, or several took its place, and with it the label that it is one with.
            document.set_label(face, None)
    elif name == label or not (is_new_label or is_new_name):
        return
    elif label is None:
        if not is_new_name and name == label_before:
            # The label was taken back, and with it the name, which would label the face again.
            document.set_name(None)
            _person(document)["sent_name"] = name
    elif is_new_label:
        document.set_name(label)
    else:
        document.set_label(face, name)


def _remember_sent_name(document: Document, before: Document) -> None:
    """The name that the sender gave outlives a correction: a photo that comes again with it says nothing
    new."""
    name, name_before = document.name, before.name
    sent = _sent_name(before) or name_before
    if sent is None or name == name_before:
        return
    if sent == name:
        _person(document).pop("sent_name", None)
    elif _sent_name(document) is None and isinstance(document.source.get("person"), dict):
        _person(document)["sent_name"] = sent


def _count_names(document: Document) -> None:
    faces = document.faces
    name = document.name if lone_face(document) else None
    if name is not None and not state_of_face(faces[0]).get("label"):
        document.set_label(faces[0], name)
    unnamed = [face for face in faces if document.label_of(face) is None and not document.is_ignored(face)]
    document.replace("unnamed_faces", 0 if name is not None else len(unnamed))
    matched = [face for face in faces if face.get("best_similarity") is not None]
    undecided = sum(not is_decided(face) for face in matched)
    document.replace("undecided_faces", undecided if matched else None)


def is_unnamed(document: Document, face: dict[str, Any]) -> bool:
    """Whether nobody has said who the face of an archive shows, or that nobody wants to see it."""
    name = document.name if lone_face(document) else None
    return name is None and document.label_of(face) is None and not document.is_ignored(face)


def _leave_groups(document: Document) -> None:
    """Only faces that nobody has named are in groups."""
    for face in document.faces:
        if face.get("group") is not None and not is_unnamed(document, face):
            document.set_group(face, None)


def is_decided(face: dict[str, Any]) -> bool:
    """Whether a person said who a face shows or doesn't show, or that nobody wants to see it."""
    return bool(state_of_face(face).keys() & {"label", "not", "ignored"})


def _count_faces(document: Document) -> None:
    faces, before = document.faces, document.get("face_count")
    document.replace("face_count", len(faces))
    document.replace("best_quality", _highest((face.get("quality") or {}).get("score") for face in faces))
    if before in (None, len(faces)):
        return
    document.replace("best_similarity", _highest(face.get("best_similarity") for face in faces))
    tags = document.get("tags")
    if isinstance(tags, dict):
        return
    kept = [tag for tag in (tags if isinstance(tags, list) else [tags]) if tag not in (None, NO_FACE)]
    document.replace("tags", [*kept, *([] if faces else [NO_FACE])] or None)


def _highest(numbers: Any) -> float | None:
    return max((number for number in numbers if number is not None), default=None)


def _faces_found(document: Document) -> int:
    """In the photo; a document of an older release doesn't say it: there ``face_count`` was never changed."""
    for name in ("photo.faces_found", "face_count"):
        if isinstance(found := document.get(name), int):
            return found
    return len(document.faces)


def lone_face(document: Document) -> dict[str, Any] | None:
    """The only face of a photo in which no other was found, so that the photo's name is the face's."""
    faces = document.faces
    drawn = any(face.get("drawn") is True for face in faces)
    is_only = not document.is_portrait and is_lone(len(faces), _faces_found(document), drawn)
    return faces[0] if is_only else None


def _label_before(face: dict[str, Any], before: Document) -> str | None:
    if lone := lone_face(before):
        return before.label_of(lone)
    same = (one for one in before.faces if face_id(one, 0) == face_id(face, 0))
    return next((before.label_of(one) for one in same), None)


def tidy_face(face: dict[str, Any]) -> None:
    """Brings the names of an entry of ``faces`` or ``unplaced`` into one form."""
    said = state_of_face(face)
    label = face.get("label")
    if isinstance(label, dict):
        label.pop("name", None)
        if "label" in said:
            label["name"] = said["label"]
    elif label is not None:
        face["label"] = {"name": said.get("label")}
    face.pop("not", None)
    if "not" in said:
        face["not"] = said["not"]
    if not face.get("label"):
        face.pop("label", None)


def _tidy_name(document: Document) -> None:
    person = document.source.get("person")
    if isinstance(person, list) and len(person) == 1 and isinstance(person[0], dict):
        document.source["person"] = person = person[0]
    if isinstance(person, dict) and "name" in person:
        name = tidy(person.pop("name"))
        if name is not None:
            person["name"] = name


def _sent_name(document: Document) -> str | None:
    person = document.source.get("person")
    return plain(all_names(person.get("sent_name"))) if isinstance(person, dict) else None


def _person(document: Document) -> dict[str, Any]:
    person = document.source.get("person")
    if not isinstance(person, dict):
        document.source["person"] = person = {}
    return person
