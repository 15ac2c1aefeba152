"""Every request of kibana/console, run on the real Elasticsearch as it stands in its file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dev_tools import console, requests, send
from elasticsearch import ConflictError, Elasticsearch
from tools import encoded, landscape, picture, side_by_side

from kibana.console_links import files

ROOT = Path(__file__).parents[2]
TEXTS = {file.name: file.text for file in files()}
DOCS_OWN = {
    "the face that matched",
    "several archives",
    "archives and portraits",
    "cut-off",
    "second page",
    "search after",
    "possible matches",
    "watched candidates",
    "confirm",
    "unplaced",
}
POSSIBLE = (1 + 0.46) / 2


@pytest.fixture
def fresh(es: Elasticsearch) -> Iterator[None]:
    """New, empty indices behind the three aliases. The old ones stay as they are, and are back at the end."""
    aliases = ("faces", "face-gallery", "face-probes")
    before = [
        {"index": index, "alias": alias, **options}
        for index, found in es.indices.get_alias(name=list(aliases)).items()
        for alias, options in found["aliases"].items()
    ]
    new = {alias: f"{alias}-console" for alias in aliases}
    for index in new.values():
        es.indices.create(index=index)
    leave = [{"remove": {"index": old["index"], "alias": old["alias"]}} for old in before]
    enter = [
        {"add": {"index": index, "alias": alias, "is_write_index": True}} for alias, index in new.items()
    ]
    es.indices.update_aliases(actions=leave + enter)
    yield
    gone = [{"remove_index": {"index": index}} for index in new.values()]
    es.indices.update_aliases(actions=gone + [{"add": old} for old in before])


@pytest.fixture
def faces(fresh: None) -> str:
    return "faces"


@pytest.fixture
def run(es: Elasticsearch) -> Callable[..., list[dict]]:
    """Runs a file with a photo; returns all answers."""

    def answers(name: str, photo: bytes | Path = b"") -> list[dict]:
        return console(es, TEXTS[name], photo=encoded(photo), group=encoded(photo))

    return answers


@pytest.fixture
def together(photos: dict[str, list[Path]]) -> bytes:
    """A photo of Ann and Ben that is not in the archive."""
    return picture(side_by_side([photos["Ann"][4], photos["Ben"][4]]), quality=92)


def ids(answer: dict) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def counts(aggregation: dict) -> dict[str, int]:
    return {bucket["key"]: bucket["doc_count"] for bucket in aggregation["buckets"]}


def test_the_files_run_in_their_order_on_a_fresh_stack(es, fresh, photos, together):
    variables: dict[str, object] = {"photo": encoded(photos["Ann"][0]), "group": encoded(together)}
    for text in TEXTS.values():
        for request in requests(text):
            answer = send(es, request, **variables)
            if "_seq_no" in answer:
                variables |= {"seq_no": answer["_seq_no"], "primary_term": answer["_primary_term"]}
    assert es.get(index="faces", id="beach-7")["_source"]["unnamed_faces"] == 0


def test_a_dropped_photo_is_replaced_by_its_faces(fresh, run, portrait):
    created, shown = run("01-drop-a-photo", portrait)
    assert created["result"] == "created"
    assert shown["_source"]["face_count"] == 1
    assert "image" not in shown["_source"]
    assert shown["_source"]["person"] == {"name": "Ann"}


def test_a_forgotten_variable_is_what_the_comment_says(es, fresh):
    es.index(index="faces", id="ann-at-the-beach", document={"image": "${photo}"})
    error = es.get(index="faces", id="ann-at-the-beach")["_source"]["error"]
    assert error["code"] in TEXTS["01-drop-a-photo"]


def test_a_face_is_looked_up_among_the_people_who_are_enrolled(fresh, run, photos):
    assert [answer["result"] for answer in run("02-enrol-a-person", photos["Ann"][0])] == ["created"]
    assert [answer["result"] for answer in run("02-enrol-a-person", photos["Ann"][0])] == ["updated"]
    stored, shown, looked_up = run("03-who-is-this", photos["Ann"][4])
    assert stored["result"] == "created"
    (face,) = shown["_source"]["faces"]
    assert face["match"]["name"] == "Ann"
    assert face["match"]["similarity"] == shown["_source"]["best_similarity"] >= 0.46
    (hit,) = looked_up["hits"]["hits"]
    assert hit["_source"] == {"person": {"name": "Ann"}, "tags": ["watch"]}
    (seen,) = run("10-watch-list")
    (hit,) = seen["hits"]["hits"]
    assert hit["_id"] == "gate-3-0001"
    assert hit["fields"]["matched_people"] == ["Ann"]
    assert hit["fields"]["observer.name"] == ["gate 3"]
    _, shown, looked_up = run("03-who-is-this", photos["Dan"][0])
    assert shown["_source"] == {"face_count": 1}
    assert ids(looked_up) == []
    assert ids(run("10-watch-list")[0]) == []


def test_a_photo_finds_the_photos_of_its_person(archive, run, photos):
    (answer,) = run("04-search-by-photo", photos["Ann"][4])
    assert set(ids(answer)[:4]) == {"ann-0", "ann-1", "ann-2", "team"}
    for hit in answer["hits"]["hits"][:4]:
        (face,) = hit["inner_hits"]["faces"]["hits"]["hits"][:1]
        assert face["_source"]["box"]["width"] > 0
        assert hit["_id"] == "team" or hit["fields"] == {"people": ["Ann"]}


def test_a_stored_face_finds_the_photos_of_its_person(archive, run, photos):
    run("01-drop-a-photo", photos["Ann"][4])
    run("03-who-is-this", photos["Ben"][4])
    of_the_archive, of_a_probe = run("05-search-by-document")
    assert ids(of_the_archive)[0] == "ann-at-the-beach"
    assert set(ids(of_the_archive)) == {"ann-at-the-beach", "ann-0", "ann-1", "ann-2", "team"}
    assert {key.split("-")[0] for key in ids(of_a_probe)} == {"ben", "team"}


def test_filters_leave_only_what_passes_them(es, archive, run, bulk, photos):
    portraits = {
        name: {"image": encoded(photos[name][0]), "person": {"name": name}, "tags": tags}
        for name, tags in {"Ann": ["watch"], "Ben": ["staff"]}.items()
    }
    bulk(portraits, index="face-gallery")
    es.update(index="faces", id="ann-2", doc={"observer": {"name": "phone"}}, refresh=True)
    person, date, all_three, similar, enrolled = run("06-search-with-filters", photos["Ann"][4])
    assert set(ids(person)) == {"ann-0", "ann-1", "ann-2"}
    assert set(ids(date)) == {"ann-1", "ben-1", "cara-1", "dan-1"}
    assert "ann-0" not in ids(all_three)
    assert {hit["_source"]["observer"]["name"] for hit in all_three["hits"]["hits"]} == {"gate 3", "gate 4"}
    assert ids(similar) == ["ann-2"]
    assert similar["hits"]["hits"][0]["_score"] >= POSSIBLE
    assert ids(enrolled) == ["Ann"]


def test_two_faces_find_who_was_there_together(archive, run, together):
    with_any, with_both = run("07-several-faces", together)
    assert ids(with_any)[0] == "team"
    assert {key.split("-")[0] for key in ids(with_any)[1:]} == {"ann", "ben"}
    assert ids(with_both) == ["team"]


def test_a_face_is_counted_by_month_observer_and_company(archive, run, photos):
    (answer,) = run("08-when-and-where", photos["Ann"][4])
    counted = answer["aggregations"]
    months = {bucket["key_as_string"][:7] for bucket in counted["when"]["buckets"] if bucket["doc_count"]}
    assert months >= {"2026-04", "2026-05", "2026-06"}
    assert counts(counted["where"]) == {"gate 2": 1, "gate 3": 1, "gate 4": 1}
    assert counts(counted["with whom"]) == {"Ann": 3}


def test_people_are_counted_and_unnamed_faces_listed(es, archive, run):
    team = es.get(index=archive, id="team")["_source"]
    named = [
        face | {"label": {"name": name}} for face, name in zip(team["faces"], ("Ann", "Ben"), strict=True)
    ]
    people, unnamed = run("09-people")
    assert counts(people["aggregations"]["people"]) == {"Ann": 3, "Ben": 3, "Cara": 3, "Dan": 3}
    assert ids(unnamed) == ["team"]
    assert unnamed["aggregations"]["unnamed faces"]["value"] == 2
    es.update(index=archive, id="team", doc={"faces": named}, refresh=True)
    people, unnamed = run("09-people")
    ann = next(bucket for bucket in people["aggregations"]["people"]["buckets"] if bucket["key"] == "Ann")
    assert ann["doc_count"] == 4
    assert counts(ann["together with"]) == {"Ann": 4, "Ben": 1}
    assert ids(unnamed) == []


def test_a_photo_is_named_unless_somebody_changed_it_meanwhile(es, fresh, photos):
    drop, see, name = requests(TEXTS["11-name-a-photo"])
    send(es, drop, photo=encoded(photos["Ann"][0]))
    seen = send(es, see)
    numbers = {"seq_no": seen["_seq_no"], "primary_term": seen["_primary_term"]}
    assert send(es, name, **numbers)["result"] == "updated"
    stored = es.get(index="faces", id="beach-7")["_source"]
    assert stored["person"] == {"name": "Ann"}
    assert stored["face_count"] == 1
    with pytest.raises(ConflictError):
        send(es, name, **numbers)


def test_health_names_failures_empty_photos_and_duplicates(archive, run, bulk, photos):
    twin = {"image": encoded(photos["Ann"][0]), "@timestamp": "2026-01-01T00:00:00Z"}
    broken = {"image": encoded(b"no picture"), "file": {"path": "broken.jpg"}}
    meadow = {"image": encoded(picture(landscape())), "file": {"path": "meadow.jpg"}}
    bulk({"twin": twin, "broken": broken, "meadow": meadow})
    bulk({"nobody": {"image": meadow["image"], "person": {"name": "Eve"}}}, index="face-gallery")
    failures, without_a_face, times, duplicates, nodes = run("12-health")
    assert counts(failures["aggregations"]["outcome"]) == {"success": 15, "failure": 2}
    codes = failures["aggregations"]["errors"]
    assert counts(codes) == {"not_an_image": 1, "no_face": 1}
    newest = {bucket["key"]: bucket["newest"]["hits"]["hits"][0]["_source"] for bucket in codes["buckets"]}
    assert newest["not_an_image"]["file"] == {"path": "broken.jpg"}
    assert newest["not_an_image"]["error"]["message"]
    assert ids(without_a_face) == ["meadow"]
    assert times["aggregations"]["duration"]["values"]["50.0"] > 0
    assert times["aggregations"]["lag"]["values"]["50.0"] is not None
    (twins,) = duplicates["aggregations"]["duplicates"]["buckets"]
    assert {hit["_id"] for hit in twins["photos"]["hits"]["hits"]} == {"ann-0", "twin"}
    (node,) = nodes["nodes"].values()
    assert node["endpoints"]["default"]["photos"] > 0


def test_a_file_tells_how_to_fill_its_variables():
    for name, text in TEXTS.items():
        comment, _, rest = text.partition("\n\n")
        for variable in set(re.findall(r"\$\{(\w+)\}", rest)):
            assert re.search(rf"variable.* {variable}\b", comment), name
        if '"${' in rest:
            assert "base64 < photo.jpg | tr -d '\\n'" in comment, name
            assert "server.maxPayload" in comment, name


@pytest.mark.parametrize(
    ("page", "least"), [("README.md", 1), ("docs/first-steps.md", 6), ("docs/queries.md", 6)]
)
def test_the_docs_requests_are_those_of_the_files(page, least):
    blocks = re.findall(
        r"<!-- scene: ([^\n]*) -->\n```\n((?:GET|PUT|POST) .*?)```", (ROOT / page).read_text(), re.DOTALL
    )
    own = {name for name, text in blocks if not any(text in whole for whole in TEXTS.values())}
    assert len(blocks) >= least
    assert own == (DOCS_OWN if page == "docs/queries.md" else set())


@pytest.mark.parametrize(
    "text",
    [
        "GET faces/_search\n\n{ }\n",
        'GET faces/_search\n{ "size": 1, }\n',
        'GET faces/_search\n{ "size": 1, "size": 2 }\n',
        'GET faces/_search\n{ "size": 1 // one\n}\n',
        "GET faces/_search\n{ }\n{ }\n",
        "GET faces/_search\n{ } and so on\n",
        "Find a face:\nGET faces/_search\n",
        "FETCH faces/_search\n",
    ],
    ids=[
        "a gap",
        "a comma",
        "a key twice",
        "a comment inside",
        "two bodies",
        "words behind",
        "words",
        "a method",
    ],
)
def test_what_a_console_may_not_take_is_refused(text):
    with pytest.raises((AssertionError, ValueError)):
        requests(text)


def test_a_bulk_has_a_body_a_line():
    (request,) = requests('POST _bulk\n{ "index": { "_index": "faces" } }\n{ "image": "${photo}" }\n# end\n')
    assert request.bodies == ('{ "index": { "_index": "faces" } }', '{ "image": "${photo}" }')
