"""The data views: what each field is called on the boards, what it means, and how it is shown."""

from __future__ import annotations

from typing import Any

from kibana.boards.remedies import in_words
from kibana.objects import rison
from kibana.objects.dashboard import ALL_TIME
from kibana.objects.data_view import DataView, Field, duration, image, link, lookup, number

FACES_ID = "ingest-face-faces"
THUMBNAIL = "data:image/jpeg;base64,{{rawValue}}"
HASH = "file.hash.sha256"
SECRET = ("image", "faces.vector", "vector", "photo.fingerprint", "faces.landmarks", "face.landmarks")
"""Not fetched by Discover, because they are large or unreadable."""


def nearest(builder: dict[str, Any]) -> dict[str, Any]:
    """A query that ranks photos by their most similar face.

    Args:
        builder: the options of the query vector builder ``face``.
    """
    knn = {
        "field": "faces.vector",
        "k": 100,
        "num_candidates": 500,
        "query_vector_builder": {"face": builder},
    }
    # Boards pass their query on to boards over the gallery, which has no nested faces.
    return {"nested": {"path": "faces", "query": {"knn": knn}, "score_mode": "max", "ignore_unmapped": True}}


def _similar_faces(index: str) -> dict[str, Any]:
    """Makes a photo's SHA-256 a link to Discover, where all photos are ranked by this photo's face.

    The document's id would be a value from outside: Kibana doesn't encode an apostrophe or `!` in an address,
    which could change what Discover is asked for.
    The link can't lead to a board: since Kibana 9.4 the query in a board's address can only be text.
    """
    columns = ["thumbnail", HASH, "people", "observer.name", "file.path"]
    state = {
        "columns": columns,
        "dataSource": {"dataViewId": FACES_ID, "type": "dataView"},
        "query": {
            "language": "lucene",
            "query": nearest({"filter": {"index": index, "query": {"term": {HASH: "{{value}}"}}}}),
        },
        "sort": [["_score", "desc"]],
    }
    time = {"time": {"from": ALL_TIME[0], "to": ALL_TIME[1]}}
    address = f"../app/discover#/?_g={rison.in_address(time)}&_a={rison.in_address(state)}"
    return link(address, "find similar faces")


_PHOTO = {
    "@timestamp": Field("When", "Sent by the camera; else EXIF's date; else when it was ingested."),
    "thumbnail": Field("Photo", "A small copy, at most 200 pixels a side.", image(THUMBNAIL, 96)),
    "observer.name": Field("Observer", "The camera or collection that the photo is from."),
    "person.name": Field("Name sent", "The name that the sender gave the photo."),
    "file.path": Field("File", "Where the original is."),
    "url.original": Field("Original", "The address of the original, as the sender gave it: text, no link."),
    HASH: Field("File's SHA-256", "Equal for exact copies."),
    "face_count": Field("Faces", "Faces of the photo that the document has.", number("0")),
    "best_quality": Field("Best quality", "Quality of the photo's best face, 0 to 1.", number("0.00")),
    "model.id": Field("Model", "What the vectors are comparable within."),
    "tags": Field("Tags", "The sender's, and no_face."),
    "event.ingested": Field("Ingested", "When the photo was looked at."),
    "event.duration": Field("Time in the endpoint", "How long finding the faces took.", duration()),
    "event.lag": Field("Lag", "From the photo's own time to its ingest.", duration()),
    "event.outcome": Field("Outcome", "success or failure."),
    "error.code": Field("Error", "What is wrong with the photo, and what to do.", lookup(in_words())),
    "error.message": Field("Message", "What is wrong with the photo, in full."),
}
_ARCHIVE = {
    "people": Field("People", "Everybody whom a person named on the photo."),
    "face_groups": Field(
        "Groups", "Groups of unnamed faces that look alike: a machine's guess, by `faces group`."
    ),
    "unnamed_faces": Field("Unnamed faces", "Faces that nobody has named or ignored.", number("0")),
}
_MATCHES = {
    "matched_people": Field(
        "Looks like", "People of the gallery whom the faces look like: a machine's guess."
    ),
    "matched_tags": Field("Gallery tags", "Tags of those people's portraits, such as watch."),
    "candidate_people": Field(
        "May be", "People of the gallery who may be on the photo: also those too unlike to be a match."
    ),
    "candidate_tags": Field("Candidates' tags", "Tags of those people's portraits."),
    "undecided_faces": Field(
        "Undecided faces",
        "Faces with candidates that nobody has confirmed, rejected or ignored.",
        number("0"),
    ),
    "best_similarity": Field("Similarity", "Cosine of the most similar candidate, -1 to 1.", number("0.000")),
}

FACES = DataView(
    FACES_ID,
    "Faces",
    "faces",
    "@timestamp",
    _PHOTO
    | _ARCHIVE
    | {HASH: Field("Similar", "Ranks all photos by this photo's largest face.", _similar_faces("faces"))},
    SECRET,
)
PROBES = DataView(
    "ingest-face-probes",
    "Face probes",
    "face-probes",
    "@timestamp",
    _PHOTO
    | _ARCHIVE
    | _MATCHES
    | {
        HASH: Field(
            "Similar", "Ranks the archive by this photo's largest face.", _similar_faces("face-probes")
        )
    },
    SECRET,
)
GALLERY = DataView("ingest-face-gallery", "Face gallery", "face-gallery", "@timestamp", _PHOTO, SECRET)
INGEST = DataView(
    "ingest-face-ingest",
    "Face ingest: archive, gallery and probes",
    "faces,face-gallery,face-probes",
    "event.ingested",
    _PHOTO | _ARCHIVE | _MATCHES,
    SECRET,
)
ALL = (FACES, PROBES, GALLERY, INGEST)
