"""The recipes of docs/sources.md: each command and each request, as the page has it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from indexed import documents
from tools import encoded, landscape, picture, scene

from faces.photo_folders.file_kinds import PHOTO_ENDINGS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "sources.md").read_text()
CHORES = (DOCS / "chores.md").read_text()


def faces_in(name: str, **places: object) -> list[str]:
    """The words after `faces` in a scene's one such command, with other paths in place of the page's."""
    joined = scene(PAGE, name).replace("\\\n", " ")
    (command,) = re.findall(r"(?:^|[\s/])faces ((?:index|attach) .*)", joined)
    return [str(places.get(word, word)) for word in shlex.split(command.removesuffix("> /dev/null"))]


@pytest.fixture
def share(tmp_path) -> Path:
    """A folder with three photos without faces."""
    for seed in range(3):
        (tmp_path / f"{seed}.jpg").write_bytes(picture(landscape(200 + seed, 150)))
    return tmp_path


def test_a_timer_runs_what_cron_does_and_a_mount_is_indexed_as_a_mirror():
    assert faces_in("systemd") == faces_in("cron")
    assert faces_in("rclone mount", **{"/mnt/photos": "/srv/photos"}) == faces_in("rclone sync")


@pytest.mark.parametrize(("name", "path"), [("cron", "/mnt/photos"), ("rclone sync", "/srv/photos")])
def test_a_folder_is_indexed_again_and_what_was_deleted_goes(run, es, faces, journal, share, name, path):
    words = faces_in(name, **{path: share})
    assert str(share) in words
    assert run(*words)[0] == 0
    (share / "0.jpg").unlink()
    (share / "new.jpg").write_bytes(picture(landscape(300, 150)))
    status, _, err = run(*words)
    assert status == 0
    assert err == "" or "-q" not in words
    found = {source["file"]["path"]: source for source in documents(es).values()}
    assert set(found) == {"1.jpg", "2.jpg", "new.jpg"}
    if "--url-prefix" in words:
        assert found["new.jpg"]["url"]["original"] == "https://photos.s3.example.org/new.jpg"
    aside = share.rename(share.with_name("aside"))
    share.mkdir()
    status, _, err = run(*words)
    assert (status, "--prune-all" in err) == (1, True), "as if it weren't mounted"
    assert len(documents(es)) == 3
    shutil.rmtree(aside)


def crawled(file: Path) -> tuple[str, dict]:
    """The id and the document of a file, as FSCrawler's documentation describes them (document-ids.md,
    elasticsearch.md) with `index_content: false` and `store_source: true`."""
    document = {
        "attachment": encoded(file),
        "file": {
            "extension": file.suffix[1:],
            "created": "2018-07-30T11:35:08.000+0000",
            "last_modified": "2018-07-30T11:35:08.000+0000",
            "last_accessed": "2018-07-30T11:35:08.000+0000",
            "indexing_date": "2018-07-30T11:35:19.781+0000",
            "filesize": file.stat().st_size,
            "filename": file.name,
            "url": f"file://{file}",
        },
        "path": {
            "root": hashlib.md5(str(file.parent).encode()).hexdigest(),
            "virtual": f"/{file.name}",
            "real": str(file),
        },
    }
    return hashlib.md5(str(file).encode()).hexdigest(), document


@pytest.fixture
def settings() -> dict:
    return yaml.safe_load(scene(PAGE, "fscrawler settings"))


@pytest.fixture
def crawl(es, settings) -> Callable[..., None]:
    """Sends the bulk request of FSCrawler for files."""

    def send(*files: Path) -> None:
        lines: list[str] = []
        for key, document in map(crawled, files):
            lines += [json.dumps({"index": {"_id": key}}), json.dumps(document)]
        answer = es.perform_request(
            "POST",
            f"/{settings['elasticsearch']['index']}/_bulk?refresh=true",
            body="\n".join([*lines, ""]).encode(),
            headers={"content-type": "application/x-ndjson", "accept": "application/json"},
        )
        assert not answer.body["errors"], answer.body

    return send


@pytest.fixture
def crawled_index(es, run, own_index, journal, settings) -> str:
    """The index of FSCrawler's documents, attached as the page says."""
    own_index(settings["elasticsearch"]["index"])
    words = faces_in("fscrawler attach")
    assert words[1] == settings["elasticsearch"]["index"]
    assert run(*words)[0] == 0
    return words[1]


def test_fscrawler_takes_the_suffixes_of_photos_alone(settings):
    assert sorted(settings["fs"]["includes"]) == sorted(f"*{ending}" for ending in PHOTO_ENDINGS)
    assert settings["fs"]["store_source"] is True
    assert settings["fs"]["index_content"] is settings["fs"]["remove_deleted"] is False


def test_what_fscrawler_sends_gets_faces_and_its_path(run, es, crawled_index, crawl, album):
    photo = album.files["ann-0"]
    crawl(photo, album.files["team"])
    key, _ = crawled(photo)
    stored = documents(es, crawled_index)[key]
    assert stored["face_count"] == 1
    assert (stored["file"]["path"], stored["file"]["name"]) == (str(photo), "ann-0.jpg")
    assert stored["file"]["filename"] == "ann-0.jpg", "its own fields stay"
    assert stored["path"]["real"] == str(photo)
    assert "attachment" not in stored
    options = es.ingest.get_pipeline(id=f"faces-{crawled_index}")[f"faces-{crawled_index}"]["processors"]
    assert options[0]["face"]["on_unavailable"] == "keep"
    status, out, _ = run("search", photo, "--index", crawled_index, "--json")
    assert (status, json.loads(out)["matches"][0]["path"]) == (0, str(photo))


def test_a_photo_that_is_crawled_again_keeps_what_people_said(run, es, crawled_index, crawl, album, tmp_path):
    photo = Path(shutil.copy(album.files["ann-0"], tmp_path))
    crawl(photo)
    assert run("label", photo.as_posix(), "--name", "Ann", "--index", crawled_index)[0] == 0
    key, _ = crawled(photo)
    crawl(photo)
    assert documents(es, crawled_index)[key]["faces"][0]["label"]["name"] == "Ann"
    photo.write_bytes(base64.b64decode(encoded(album.files["ann-0"])) + b"\0")
    crawl(photo)
    again = documents(es, crawled_index)[key]
    assert again["faces"][0]["label"]["name"] == "Ann"
    assert again["file"]["hash"]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()


def test_what_was_deleted_leaves_the_index_of_a_crawler(run, es, crawled_index, crawl, share, album):
    named = Path(shutil.copy(album.files["ann-0"], share))
    crawl(named, *sorted(share.glob("[0-9].jpg")))
    assert run("label", named.as_posix(), "--name", "Ann", "--index", crawled_index)[0] == 0
    words = faces_in("fscrawler prune", **{"/mnt/photos": share})
    for gone in (named, share / "0.jpg"):
        gone.unlink()
    (share / "1.jpg").rename(share / "moved.jpg")
    assert run(*words)[0] == 2, "it asks"
    status, out, err = run(*words, "--yes", "--prune-all")
    assert status == 0, err
    assert f"kept: {named} (Ann)" in out
    left = {source["file"]["name"] for source in documents(es, crawled_index).values()}
    assert left == {"ann-0.jpg", "1.jpg", "2.jpg"}, "1.jpg is not crawled at its new path yet"
    crawl(share / "moved.jpg")
    assert run(*words, "--yes")[0] == 0
    left = {source["file"]["name"] for source in documents(es, crawled_index).values()}
    assert left == {"ann-0.jpg", "moved.jpg", "2.jpg"}


def test_without_prune_only_the_index_of_a_crawler_is_refused(run, es, crawled_index, crawl, share):
    crawl(*share.glob("*.jpg"))
    status, _, err = run("index", share, "--index", crawled_index, "--prune", "--yes")
    assert (status, "attachment" in err) == (1, True)
    assert len(documents(es, crawled_index)) == 3


def test_a_path_field_does_not_go_with_a_target_field(run, own_index):
    own_index("own")
    words = ("attach", "own", "--field", "picture", "--path-field", "path.real", "--target-field", "portrait")
    assert run(*words)[0] == 2


def test_the_page_of_chores_shows_what_prune_prints(run, faces, journal, album, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(next(iter(album.files.values())).parent, "album")
    assert run("index", "album")[0] == 0
    assert run("label", "album/team.jpg", "--face", 0, "--name", "Ann")[0] == 0
    for name in ("ann-2", "team"):
        Path("album", f"{name}.jpg").unlink()
    for name in ("what would be pruned", "prune"):
        command, _, told = scene(CHORES, name).removeprefix("$ faces ").partition("\n")
        status, out, err = run(*shlex.split(command))
        assert (status, out) == (0, told), err
