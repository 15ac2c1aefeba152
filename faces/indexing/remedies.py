"""What to do about each photo that failed, in one sentence."""

from __future__ import annotations

from ingest_service.errors import CODES, PHOTO

AGAIN = "Run the same command again: what is stored isn't sent twice."
LATER = "Run `faces retry` once the inference service answers again: the photo is kept in its document."

OF_A_DOCUMENT: dict[str, str] = {
    # Where the answer is a command. Else the service's words are.
    "unavailable": LATER,
    "overloaded": LATER,
    "deadline_exceeded": LATER,
    "model_mismatch": "Run `faces status`, which says which model is missing, then `faces retry`.",
    "unauthorized": "Put the service's key into the nodes' keystore, then run `faces retry`.",
    "internal": "See the service's log of that moment and report it; `faces retry` tries the photo again.",
    "too_slow": "Save the photo again as a plain JPEG, or make it smaller.",
    "no_face": "Take a photo that shows the person's face, larger or sharper.",
    "several_faces": "Cut the photo to the one person, or take another.",
}
REMEDIES: dict[str, str] = {
    **{code: remedy for code, (_, remedy) in CODES.items()},
    **OF_A_DOCUMENT,
    # Of the list.
    "bad_row": "Correct this line of the list, and run the same command again.",
    "missing_file": "Correct the path, or name with --root the folder that paths are relative to.",
    "outside_root": "If you trust the list, name with --root a folder above the file; `--root /` allows all.",
    "no_name": "Give the person's name in the column person.name, or by a folder with --labels folder.",
    "id_taken": "Give another id, or let --replace put this photo into that document.",
    # Of the file and of Elasticsearch.
    "unreadable_file": "Let this user read the file, and run the same command again.",
    "changed_file": AGAIN,
    "contested": AGAIN,
    "request_too_large": "Make the photo smaller, or raise http.max_content_length in elasticsearch.yml.",
    "not_reached": "Check by `faces status` that the service answers, and run the same command again.",
    "read_only": "Let the index take documents again, and run the same command again.",
    "forbidden": "Use a key or a user that may write this, see docs/indices.md.",
    "refused": "Correct what Elasticsearch names, and run the same command again.",
}
"""Code of a document's error, or of a photo that isn't stored -> remedy."""
DOCUMENT_CODES = frozenset(
    {code for code, (status, _) in CODES.items() if status == PHOTO} | OF_A_DOCUMENT.keys()
)
"""Of the errors that documents have."""


def remedy(code: str | None) -> str:
    """A sentence for a code; also for one of a newer plugin, which isn't known here."""
    return REMEDIES.get(code or "", "See docs/pipeline.md for what this error means.")
