"""`faces index --prune`: what was deleted at its source leaves the index, and never what people said."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
from indexed import documents, paths, say
from prune_fixtures import FIVE, entries, key_of, photo, why
from tools import encoded, line_with, numbers

from faces.cli import prune
from faces.pruning import removing


def test_it_shows_what_would_go_and_deletes_that_alone(run, es, indexed, pruned):
    gone = {key_of(es, "trip/c.jpg"), key_of(es, "trip/d.jpg")}
    shutil.rmtree(indexed / "trip")
    photo(indexed / "trip" / "new.jpg", 9)
    photo(indexed / "more.jpg", 10)
    status, out, err = run("index", indexed, "--prune", "--dry-run")
    assert status == 0
    assert {line for line in out.splitlines() if line.startswith("gone: ")} == {
        "gone: trip/c.jpg",
        "gone: trip/d.jpg",
    }
    assert len(documents(es)) == 5
    status, _, err = run("index", indexed, "--prune")
    assert (status, "--yes" in err) == (2, True), "nobody can be asked here"
    assert len(documents(es)) == 5, "and nothing was indexed"
    said = pruned(indexed)
    assert (said["deleted"], said["documents"]) == (2, 7)
    assert paths(es) == [["a.jpg"], ["b.jpg"], ["e.jpg"], ["more.jpg"], ["trip/new.jpg"]]
    assert {entry["document"]["id"] for entry in entries(es)} == gone
    status, out, _ = run("index", indexed, "--prune", "--yes")
    assert (status, numbers(out.splitlines()[-1])) == (0, [0, 0])


def test_at_a_terminal_it_asks(run, es, indexed, monkeypatch):
    monkeypatch.setattr(prune, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    (indexed / "a.jpg").unlink()
    assert run("index", indexed, "--prune", stdin="n\n")[0] == 1
    assert len(documents(es)) == 5
    status, out, _ = run("index", indexed, "--prune", stdin="y\n")
    assert (status, numbers(out.splitlines()[-1])) == (0, [1, 0])
    assert len(documents(es)) == 4


def test_what_people_said_is_kept_and_shown_unless_it_is_to_go_too(
    run, es, faces, journal, whole, people, tmp_path, pruned
):
    named = tmp_path / "named"
    named.mkdir()
    for name, person in (("label", "madonna"), ("not", "ben_afflek"), ("ignored", "elton_john")):
        shutil.copy(people[person][0], named / f"{name}.jpg")
    for seed, name in enumerate(("tag", "own", "nothing", "stays")):
        photo(named / f"{name}.jpg", seed)
    run("index", named)
    keys = {name: key_of(es, f"{name}.jpg") for name in ("label", "not", "ignored", "tag", "own")}
    say(es, whole, keys["label"], label={"name": "Ann"})
    say(es, whole, keys["not"], **{"not": ["Ben"]})
    say(es, whole, keys["ignored"], ignored=True)
    es.update(index=faces, id=keys["tag"], doc={"tags": ["no_face", "best"]})
    es.update(index=faces, id=keys["own"], doc={"album": "Tour"}, refresh=True)
    for name in (*keys, "nothing"):
        (named / f"{name}.jpg").unlink()
    status, out, err = run("index", named, "--prune", "--prune-all", "--dry-run")
    assert status == 0
    for name, said in (("label", "Ann"), ("not", "Ben"), ("tag", "best"), ("own", "album")):
        assert said in line_with(f"kept: {name}.jpg", out)
    assert "--prune-named" in err
    said = pruned(named, "--prune-all")
    assert said["deleted"] == 1
    assert why(said) == {f"{name}.jpg": "said" for name in keys}
    assert set(keys.values()) <= set(documents(es))
    assert pruned(named, "--prune-all", "--prune-named")["deleted"] == 5
    assert not set(keys.values()) & set(documents(es))
    assert {"Ann", "Ben"} <= {name for entry in entries(es) for name in entry["names"]}
    status, _, err = run("undo")
    assert (status, "prune" in err) == (1, True), "the journal has no vectors"


def test_the_name_of_its_folder_keeps_no_photo_and_a_corrected_one_does(
    run, es, faces, journal, whole, people, tmp_path, pruned
):
    for number in range(4):
        (tmp_path / "Ann_Lee").mkdir(exist_ok=True)
        shutil.copy(people["madonna"][number], tmp_path / "Ann_Lee" / f"{number}.jpg")
    run("index", tmp_path, "--labels", "folder")
    say(es, whole, key_of(es, "Ann_Lee/1.jpg"), label={"name": "Cara"})
    for number in (0, 1):
        (tmp_path / "Ann_Lee" / f"{number}.jpg").unlink()
    said = pruned(tmp_path, "--labels", "folder")
    assert (said["deleted"], why(said)) == (1, {"Ann_Lee/1.jpg": "said"})


def test_a_photo_that_was_moved_is_not_deleted(run, es, faces, indexed, pruned):
    key = key_of(es, "a.jpg")
    (indexed / "new").mkdir()
    (indexed / "a.jpg").rename(indexed / "new" / "a.jpg")
    _, out, _ = run("index", indexed, "--prune", "--dry-run", "--json")
    assert json.loads(out)["prune"]["gone"] == []
    said = pruned(indexed, flag="--prune-only")
    assert (said["deleted"], why(said)) == (0, {"a.jpg": "moved"})
    said = pruned(indexed)
    assert (said["deleted"], said["kept"]) == (0, [])
    assert documents(es)[key]["file"]["path"] == ["new/a.jpg", "a.jpg"]
    (indexed / "new" / "a.jpg").unlink()
    assert pruned(indexed, "--prune-all")["deleted"] == 1, "where it was before doesn't keep it"


def test_a_photo_that_another_client_has_sent_too_is_kept(run, es, faces, journal, folder, pruned):
    es.index(
        index=faces,
        id="sent",
        document={"image": encoded(folder / "a.jpg"), "file": {"path": "camera-1.jpg"}},
        refresh=True,
    )
    run("index", folder)
    assert documents(es)["sent"]["file"]["path"] == ["camera-1.jpg", "a.jpg"]
    (folder / "a.jpg").unlink()
    assert why(pruned(folder)) == {"camera-1.jpg": "elsewhere"}


def test_an_empty_folder_looks_like_a_share_that_is_not_mounted(run, es, indexed, pruned):
    for file in (indexed / "trip").iterdir():
        file.unlink()
    assert why(pruned(indexed)) == {"trip/c.jpg": "empty_folder", "trip/d.jpg": "empty_folder"}
    aside = indexed.rename(indexed.with_name("aside"))
    indexed.mkdir()
    for flag in ("--prune", "--prune-only"):
        status, _, _ = run("index", indexed, flag, "--yes")
        assert status == (1 if flag == "--prune" else 0)
    indexed.rmdir()
    assert run("index", indexed, "--prune", "--yes")[0] == 2
    aside.rename(indexed)
    assert len(documents(es)) == 5
    assert pruned(indexed, "--prune-all")["deleted"] == 2
    indexed.rename(aside)
    indexed.mkdir()
    assert pruned(indexed, "--prune-all")["deleted"] == 3
    assert documents(es) == {}


def test_more_than_half_goes_only_if_it_is_told_to(run, es, indexed, pruned):
    for name in ("a.jpg", "b.jpg", "trip/c.jpg"):
        (indexed / name).unlink()
    said = pruned(indexed, status=1)
    assert (said["deleted"], "3 of 5" in said["problem"]) == (0, True)
    status, _, err = run("index", indexed, "--prune", "--yes")
    assert (status, "--prune-all" in err) == (1, True)
    assert len(documents(es)) == 5
    assert pruned(indexed, "--prune-all")["deleted"] == 3


def test_another_folder_of_equal_paths_is_not_touched(run, es, indexed, tmp_path, pruned):
    other = tmp_path / "backup"
    shutil.copytree(indexed, other)
    photo(other / "a.jpg", 50)
    assert run("index", other)[0] == 0
    for name in ("a.jpg", "b.jpg"):
        (indexed / name).unlink()
    said = pruned(indexed)
    assert (said["deleted"], why(said)) == (1, {"b.jpg": "elsewhere"}), "b.jpg is in the backup too"
    left = [source["file"]["path"] for source in documents(es).values()]
    assert left.count("a.jpg") == 1
    (other / "a.jpg").unlink()
    assert pruned(other)["deleted"] == 1


def test_an_address_tells_two_machines_apart(run, es, faces, journal, folder, pruned):
    run("index", folder, "--url-prefix", "https://one.example.org/")
    (folder / "a.jpg").unlink()
    said = pruned(folder, "--url-prefix", "https://two.example.org/")
    assert (said["deleted"], why(said)) == (0, {"a.jpg": "other_address"})
    assert pruned(folder, "--url-prefix", "https://one.example.org/")["deleted"] == 1


def test_of_a_list_those_files_go_that_are_gone(run, es, faces, journal, folder, pruned, monkeypatch):
    listed = folder / "photos.csv"
    listed.write_text("path\n" + "\n".join(FIVE))
    assert run("index", listed)[0] == 0
    listed.write_text("path\n" + "\n".join(FIVE[2:]))
    assert pruned(listed)["gone"] == [], "the files of the other lines are there"
    (folder / "a.jpg").unlink()
    assert pruned(listed)["deleted"] == 1
    monkeypatch.chdir(folder.parent)
    (folder / "b.jpg").unlink()
    rows = "path\ne.jpg\n"
    words = ("index", "-", "--format", "csv", "--root", folder, "--prune")
    assert run(*words, stdin=rows)[0] == 2, "standard input is the list, and no answer"
    assert run(*words, "--yes", stdin=rows)[0] == 0
    assert paths(es) == [["e.jpg"], ["trip/c.jpg"], ["trip/d.jpg"]]


def test_portraits_of_a_folder_are_pruned_in_the_gallery(run, es, gallery, journal, people, tmp_path, pruned):
    for number in range(3):
        (tmp_path / "Ann").mkdir(exist_ok=True)
        shutil.copy(people["madonna"][number], tmp_path / "Ann" / f"{number}.jpg")
    words = ("--enroll", "--labels", "folder")
    assert run("index", tmp_path, *words)[0] == 0
    (tmp_path / "Ann" / "0.jpg").unlink()
    assert pruned(tmp_path, *words)["deleted"] == 1
    assert len(documents(es, gallery)) == 2


def test_documents_that_do_not_say_where_they_are_from_are_counted_and_kept(run, es, indexed, pruned):
    es.index(index="faces", id="sent", document={"image": "x", "file": {"path": "z.jpg"}}, refresh=True)
    (indexed / "a.jpg").unlink()
    said = pruned(indexed)
    assert (said["deleted"], said["untold"]) == (1, 1)
    assert "sent" in documents(es)


def test_a_document_that_is_changed_after_it_was_shown_is_kept(run, es, indexed, monkeypatch):
    changed, gone = key_of(es, "a.jpg"), key_of(es, "b.jpg")
    delete = removing._delete

    def change_first(client, journal, operation, going):
        es.update(index="faces-000001", id=changed, doc={"tags": ["mine"]}, refresh=True)
        es.delete(index="faces-000001", id=gone, refresh=True)
        return delete(client, journal, operation, going)

    monkeypatch.setattr(removing, "_delete", change_first)
    for name in ("a.jpg", "b.jpg"):
        (indexed / name).unlink()
    status, out, err = run("index", indexed, "--prune", "--yes")
    assert (status, bool(line_with("a.jpg: ", err))) == (1, True)
    assert "b.jpg: " not in err
    assert numbers(out.splitlines()[-1]) == [1, 1]
    assert changed in documents(es)
    assert gone not in documents(es), "another run was faster"
    assert {entry["document"]["id"] for entry in entries(es)} == {gone}


def test_a_photo_that_comes_back_before_it_is_deleted_is_kept(run, es, indexed, monkeypatch):
    data = (indexed / "a.jpg").read_bytes()
    remove = prune.remove

    def mounted_again(*arguments):
        (indexed / "a.jpg").write_bytes(data)
        return remove(*arguments)

    monkeypatch.setattr(prune, "remove", mounted_again)
    (indexed / "a.jpg").unlink()
    status, out, _ = run("index", indexed, "--prune", "--yes")
    assert (status, numbers(out.splitlines()[-1])) == (0, [0, 1])
    assert len(documents(es)) == 5


def test_killed_it_goes_on_as_the_same_operation(run, es, indexed, monkeypatch, pruned):
    for name in ("a.jpg", "b.jpg"):
        (indexed / name).unlink()
    delete, called = removing._delete, []

    def until_the_second(*arguments):
        called.append(1)
        if len(called) == 2:
            raise KeyboardInterrupt
        return delete(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(removing, "AT_ONCE", 1)
        patched.setattr(removing, "_delete", until_the_second)
        assert run("index", indexed, "--prune", "--yes")[0] == 130
    assert len(documents(es)) == 4
    assert pruned(indexed)["deleted"] == 1
    assert len({entry["operation"]["id"] for entry in entries(es)}) == 1


def test_without_the_plugin_prune_only_deletes_what_is_gone(there, plain, tmp_path):
    (tmp_path / "a.jpg").touch()
    for name in ("a.jpg", "b.jpg"):
        plain.index(index="faces", id=name, document={"file": {"path": f"{tmp_path}/{name}"}}, refresh=True)
    status, out, err = there("index", tmp_path, "--prune-only", "--yes", "--json")
    assert (status, json.loads(out)["deleted"]) == (0, 1), err
    assert plain.exists(index="faces", id="a.jpg")
    assert not plain.exists(index="faces", id="b.jpg")


@pytest.mark.parametrize(
    "words",
    [
        ("{folder}", "--yes"),
        ("{folder}", "--prune-named"),
        ("{folder}", "--prune-all"),
        ("{folder}", "--prune", "--json"),
        ("{list}", "--prune-only", "--yes"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(run, folder, words):
    (folder / "photos.csv").write_text("path\na.jpg\n")
    given = {"{folder}": folder, "{list}": folder / "photos.csv"}
    assert run("index", *(given.get(word, word) for word in words))[0] == 2
