"""What the processor writes, nobody else writes, unless with the right to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from elasticsearch import AuthorizationException, BadRequestError, Elasticsearch
from PIL import Image
from secured import ROOT
from secured_stack import Secured
from tools import bracketed, encoded, innermost, line_with, picture

from es_setup.install import InstallError, install, missing

VECTOR = [31337.0] + [0.0] * 127
NUMBER, WORD, DATE, BITS = 31337, "forged", "1977-07-07", "0123f0f0f0f0f0f0"
SENTINELS = (str(NUMBER), WORD, DATE, BITS)
FORGED: dict[str, object] = {
    "people": WORD,
    "matched_people": WORD,
    "matched_tags": WORD,
    "candidate_people": WORD,
    "candidate_tags": WORD,
    "face_groups": WORD,
    "vector": VECTOR,
    "face.id": WORD,
    "face.crop": WORD,
    "face.quality.score": NUMBER,
    "faces.id": WORD,
    "faces.vector": VECTOR,
    "faces.box.x": NUMBER,
    "faces.confidence": NUMBER,
    "faces.quality.score": NUMBER,
    "faces.landmarks.nose.x": NUMBER,
    "faces.crop": WORD,
    "faces.match.name": WORD,
    "faces.match.similarity": NUMBER,
    "faces.match.tags": WORD,
    "faces.candidates.name": WORD,
    "faces.best_similarity": NUMBER,
    "faces.group": WORD,
    "best_similarity": NUMBER,
    "best_quality": NUMBER,
    "face_count": NUMBER,
    "unnamed_faces": NUMBER,
    "undecided_faces": NUMBER,
    "thumbnail": WORD,
    "model.id": WORD,
    "model.digest": WORD,
    "model.precision": WORD,
    "model.source": WORD,
    "photo.width": NUMBER,
    "photo.height": NUMBER,
    "photo.taken": DATE,
    "photo.fingerprint": BITS,
    "photo.faces_found": NUMBER,
    "file.hash.sha256": WORD,
    "event.ingested": DATE,
    "event.lag": NUMBER,
    "event.duration": NUMBER,
    "event.outcome": WORD,
    "error.code": WORD,
    "error.message": WORD,
    "unplaced.id": WORD,
}


def objects(path: str, value: object) -> dict:
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def arrays(path: str, value: object) -> dict:
    for name in reversed(path.split(".")):
        value = {name: [value] if isinstance(value, dict) else value}
    return value


def half_dotted(path: str, value: object) -> dict:
    name, _, rest = path.partition(".")
    return {name: {rest: value} if rest else value}


def trailing_dot(path: str, value: object) -> dict:
    name, _, rest = path.partition(".")
    return {name + ".": {rest: value} if rest else value}


SPELLINGS: dict[str, Callable[[str, object], dict]] = {
    "dots": lambda path, value: {path: value},
    "objects": objects,
    "arrays": arrays,
    "half dotted": half_dotted,
    "trailing dot": trailing_dot,
}
GREY = encoded(picture(Image.new("RGB", (32, 32), (128, 128, 128)), "PNG"))


@pytest.fixture(scope="module")
def root(secured: Secured) -> Elasticsearch:
    return secured.as_(ROOT)


@pytest.fixture(scope="module")
def sender(secured: Secured) -> Elasticsearch:
    return secured.as_("faces_sender")


@pytest.fixture(scope="module")
def genuine(root: Elasticsearch, portrait: Path) -> dict:
    """A stored document with its face, as anybody who may read can copy it."""
    root.indices.create(index="faces-genuine")
    root.index(index="faces-genuine", id="1", document={"image": encoded(portrait)})
    yield root.get(index="faces-genuine", id="1", source=True)["_source"]
    root.indices.delete(index="faces-genuine")


@pytest.fixture
def index(root: Elasticsearch) -> Iterator[str]:
    """An index of probes of its own."""
    root.indices.create(index="face-probes-forged")
    yield "face-probes-forged"
    root.indices.delete(index="face-probes-forged")


def stored(root: Elasticsearch, index: str) -> list[dict]:
    root.indices.refresh(index=index)
    return root.search(index=index, size=1000)["hits"]["hits"]


def refused(call: Callable[..., object], **arguments: object) -> set[str]:
    """The values that the refusal names."""
    with pytest.raises(AuthorizationException) as raised:
        call(**arguments)
    return bracketed(innermost(raised.value.body["error"]))


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("beside", ["a photo", "a broken photo", "no photo and no pipeline"])
def test_no_field_of_the_processor_is_a_senders_in_any_spelling(root, sender, index, spelling, beside):
    pipeline = "_none" if beside.startswith("no photo") else None
    photo = {"a photo": {"image": GREY}, "a broken photo": {"image": "?"}}.get(beside, {})
    operations: list[dict] = []
    for path, value in FORGED.items():
        operations += [{"create": {"_index": index, "_id": path}}]
        operations += [SPELLINGS[spelling](path, value) | photo | {"observer": {"name": "gate 3"}}]
    answers = [item["create"] for item in sender.bulk(operations=operations, pipeline=pipeline)["items"]]
    refusals = {answer["_id"] for answer in answers if answer["status"] in (400, 403)}
    hits = stored(root, index)
    assert {hit["_id"] for hit in hits} | refusals == FORGED.keys()
    assert not [hit["_id"] for hit in hits if any(word in json.dumps(hit["_source"]) for word in SENTINELS)]
    copies = {"people", "matched_people", "matched_tags", "candidate_people", "candidate_tags", "face_groups"}
    assert copies <= refusals
    assert "vector" in refusals


@pytest.mark.parametrize("way", ["single", "bulk"])
def test_a_grey_square_raises_no_alarm(root, sender, index, way):
    document = {"image": GREY, "matched_tags": ["watch"], "matched_people": ["Innocent"]}
    if way == "single":
        assert {"matched_tags", "matched_people", "index", index} <= refused_list(sender, index, document)
    else:
        operations = [{"create": {"_index": index}}, document, {"create": {"_index": index}}, {"image": GREY}]
        answers = [item["create"]["status"] for item in sender.bulk(operations=operations)["items"]]
        assert answers == [403, 201]
    assert root.count(index=index, query={"exists": {"field": "matched_tags"}})["count"] == 0


def refused_list(es: Elasticsearch, index: str, document: dict) -> set[str]:
    named = refused(es.index, index=index, document=document)
    return {part for value in named for part in value.split(", ")}


@pytest.mark.parametrize("how", ["default", "_none", "request", "bulk line", "other face"])
def test_whole_faces_pass_neither_a_pipeline_nor_none(root, sender, index, genuine, how):
    root.ingest.put_pipeline(id="forgers", processors=[])
    pipeline = {"default": None, "_none": "_none", "other face": "face-gallery"}.get(how, "forgers")
    if how == "bulk line":
        action = {"_index": index, "pipeline": pipeline}
        answer = sender.bulk(operations=[{"create": action}, genuine])["items"][0]["create"]
        assert answer["status"] == 403
    else:
        with pytest.raises((AuthorizationException, BadRequestError)):
            sender.index(index=index, document=genuine, pipeline=pipeline)
    assert stored(root, index) == []


@pytest.mark.parametrize("claim", ["its own hash", "another"])
def test_a_photo_with_faces_of_another_gets_its_own(root, sender, index, genuine, people, claim):
    photo = {"image": encoded(people["madonna"][0])}
    root.index(index=index, id="honest", document=photo)
    honest = root.get(index=index, id="honest")["_source"]
    forged = genuine | photo
    if claim == "its own hash":
        forged["file"] = honest["file"]
        forged["faces"] = [face | {"id": WORD, "box": honest["faces"][0]["box"]} for face in genuine["faces"]]
    forged["faces"] = [face | {"match": {"name": WORD}, "note": "mine"} for face in forged["faces"]]
    sender.index(index=index, id="forged", op_type="create", document=forged)
    found = root.get(index=index, id="forged")["_source"]
    for face, own in zip(found["faces"], honest["faces"], strict=True):
        assert (face["vector"], face["id"], face["box"]) == (own["vector"], own["id"], own["box"])
        assert "match" not in face


def test_nobody_draws_a_face_without_the_right_to_write_faces(root, sender, index, portrait):
    root.index(index=index, id="honest", document={"image": encoded(portrait)})
    honest = root.get(index=index, id="honest")["_source"]
    box = {"x": 5, "y": 5, "width": 40, "height": 40}
    drawn = honest["faces"][0] | {"box": box, "id": honest["faces"][0]["id"][:-1] + "1", "drawn": True}
    forged = honest | {"image": encoded(portrait), "faces": [*honest["faces"], drawn], "face_count": 2}
    sender.index(index=index, id="forged", op_type="create", document=forged)
    found = root.get(index=index, id="forged")["_source"]
    assert [face["box"] for face in found["faces"]] == [face["box"] for face in honest["faces"]]
    assert "drawn" not in found["faces"][0]
    root.index(index=index, id="admin's", document=forged)
    assert root.get(index=index, id="admin's")["_source"]["faces"][1]["drawn"] is True
    for pipeline in ("_none", None):
        entry = {"faces": [{"drawn": True}]}
        with pytest.raises((AuthorizationException, BadRequestError)):
            sender.index(index=index, document=entry, pipeline=pipeline)


def test_what_a_person_says_passes_with_a_photo(root, sender, index, people):
    photo = {"image": encoded(people["madonna"][0])}
    said = {"person": {"name": "Ann"}, "tags": ["gate"], "file": {"path": "a.jpg"}, "mine": {"note": 5}}
    root.index(index=index, id="before", document=photo)
    box = root.get(index=index, id="before")["_source"]["faces"][0]["box"]
    size = root.get(index=index, id="before")["_source"]["photo"]
    entry = {"box": box, "not": ["Bea"], "label": {"name": "Ann"}, "ignored": True, "seen_by": "me"}
    sender.index(
        index=index,
        id="1",
        op_type="create",
        document=photo
        | said
        | {"faces": [entry], "photo": {"width": size["width"], "height": size["height"]}},
    )
    found = root.get(index=index, id="1")["_source"]
    assert {name: found["faces"][0][name] for name in ("not", "label", "ignored", "seen_by")} == {
        "not": ["Bea"],
        "label": {"name": "Ann"},
        "ignored": True,
        "seen_by": "me",
    }
    assert (found["person"], found["tags"], found["mine"]) == (said["person"], said["tags"], said["mine"])


@pytest.mark.parametrize("user", ["faces_admin", "copier"])
def test_who_may_write_faces_copies_them_and_a_sender_in_the_same_bulk_form_does_not(
    secured, root, index, genuine, user
):
    operations = [{"create": {"_index": index, "_id": user}}, genuine]
    operations += [{"create": {"_index": index, "_id": "none", "pipeline": "_none"}}, genuine]
    answers = secured.as_(user).bulk(operations=operations)["items"]
    assert [answer["create"]["status"] for answer in answers] == [201, 201]
    answers = secured.as_("faces_sender").bulk(operations=operations)["items"]
    assert [answer["create"]["status"] for answer in answers] == [403, 403]
    assert root.get(index=index, id=user)["_source"]["faces"] == genuine["faces"]


@pytest.mark.parametrize("through", ["_update", "bulk", "upsert", "put"])
def test_an_admin_changes_what_stands_and_a_sender_does_not(secured, root, index, genuine, through):
    admin, sender = secured.as_("faces_admin"), secured.as_("faces_sender")
    root.index(index=index, id="1", document=genuine)
    labelled = [face | {"label": {"name": "Ann"}} for face in genuine["faces"]]
    change: Callable[[Elasticsearch], object] = {
        "_update": lambda es: es.update(index=index, id="1", doc={"faces": labelled}),
        "bulk": lambda es: es.bulk(
            operations=[{"update": {"_index": index, "_id": "1"}}, {"doc": {"faces": labelled}}]
        ),
        "upsert": lambda es: es.update(
            index=index, id="2", doc=genuine | {"faces": labelled}, doc_as_upsert=True
        ),
        "put": lambda es: es.index(index=index, id="1", document=genuine | {"faces": labelled}),
    }[through]
    with suppress(AuthorizationException):
        assert change(sender)["items"][0]["update"]["status"] == 403
    assert "label" not in root.get(index=index, id="1")["_source"]["faces"][0]
    change(admin)
    key = "2" if through == "upsert" else "1"
    assert root.get(index=index, id=key)["_source"]["faces"][0]["label"] == {"name": "Ann"}


def test_a_keeper_enrols_and_corrects(secured, root, portrait):
    keeper = secured.as_("faces_gallery_keeper")
    root.indices.create(index="face-gallery-forged")
    try:
        document = {"image": encoded(portrait), "person": {"name": "Ben"}}
        keeper.index(index="face-gallery-forged", id="1", document=document)
        keeper.update(index="face-gallery-forged", id="1", doc={"person": {"name": "Benjamin"}})
        found = root.get(index="face-gallery-forged", id="1")["_source"]
        assert found["person"]["name"] == "Benjamin"
        keeper.index(index="face-gallery-forged", id="2", document=found)
        assert root.get(index="face-gallery-forged", id="2")["_source"]["vector"] == found["vector"]
    finally:
        root.indices.delete(index="face-gallery-forged")


def test_a_sender_who_fills_the_mapping_stops_nobody_else(root, sender):
    """A thousand fields; few enough here that the test is quick."""
    limit = {"index.mapping.total_fields.limit": 150}
    root.indices.create(index="faces-full", settings=limit)
    try:
        sender.index(index="faces-full", document={"image": GREY} | {f"f{i}": i for i in range(200)})
        late = {"image": GREY, "late": "a new field", "observer": {"name": "gate 4"}}
        sender.index(index="faces-full", id="late", op_type="create", document=late, refresh=True)
        (hit,) = root.search(index="faces-full", query={"term": {"observer.name": "gate 4"}})["hits"]["hits"]
        assert hit["_source"]["late"] == "a new field"
        assert "late" in hit["_ignored"]
    finally:
        root.indices.delete(index="faces-full")


def test_a_senders_type_for_a_new_field_refuses_no_later_photo(root, sender):
    root.indices.create(index="faces-typed")
    try:
        for number, note in enumerate([1, "a text", "2026-11-30", [True, "b"]]):
            document = {"image": GREY, "note": note}
            sender.index(index="faces-typed", id=str(number), op_type="create", document=document)
        assert len(stored(root, "faces-typed")) == 4
        long = {"image": GREY, "x" * 1000: 1}
        with pytest.raises(BadRequestError):
            sender.index(index="faces-typed", document=long)
    finally:
        root.indices.delete(index="faces-typed")


def test_an_installer_who_may_not_change_an_index_is_told_the_request_that_protects_it(secured, root):
    root.indices.create(index="faces-unchecked")
    try:
        root.indices.put_settings(index="faces-unchecked", settings={"index.final_pipeline": None})
        with pytest.raises(InstallError) as raised:
            for _ in install(secured.as_("installer"), secured.service.model):
                pass
        line = line_with("PUT /", str(raised.value)).strip()
        path, _, body = line.removeprefix("PUT ").partition(" ")
        assert (path, json.loads(body)) == (
            "/faces-unchecked/_settings",
            {"index.final_pipeline": "face-check"},
        )
        assert list(install(root, secured.service.model))
        assert not missing(root)
    finally:
        root.indices.delete(index="faces-unchecked")
