"""What shows people, or holds keys, is closed to this machine's other users, whatever the umask was."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from secured_stack import Secured

from es_setup.private_files import open_log, write_private
from faces import local_stack
from faces.reports.html_page import Page, PagePicture, Section, Tile, Tiles
from ingest_service.weights.new_file import new_file, new_folder

SOMEBODY = 54_321
"""A user who owns nothing."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def open_to_others(folder: Path) -> dict[str, str]:
    """What others have a right to, below a folder and itself."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        # A running node removes files.
        with suppress(FileNotFoundError):
            if mode(path) & 0o077 and not path.is_symlink():
                found[str(path)] = oct(mode(path))
    return found


@pytest.fixture
def loose_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_nothing_of_a_node_and_a_service_is_open_to_others(secured: Secured):
    folder = secured.node.folder
    assert {path.name for path in folder.iterdir()} >= {"config", "data", "logs", "tmp"}
    for name in ("config", "data", "logs", "tmp"):
        assert open_to_others(folder / name) == {}
    assert open_to_others(secured.service.log.parent) == {}
    # Root's may be passed through, by Elasticsearch as another user.
    for passed in (folder, folder.parent, secured.service.log.parent.parent):
        assert mode(passed) & 0o066 == 0
    keys = [folder / "config" / name for name in ("http.key", "users", "elasticsearch.keystore")]
    assert [mode(path) for path in keys] == [0o600] * 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_user_lists_and_reads_none_of_it(secured: Secured):
    folder = secured.node.folder
    for path in (folder, folder / "data", folder / "logs", secured.service.log.parent):
        listed = subprocess.run(["ls", path], user=SOMEBODY, group=SOMEBODY, extra_groups=[], check=False)
        assert listed.returncode != 0, path
    for path in (folder / "config" / "elasticsearch.yml", secured.node.log, secured.service.log):
        assert path.is_file()
        read = subprocess.run(["cat", path], user=SOMEBODY, group=SOMEBODY, extra_groups=[], check=False)
        assert read.returncode != 0, path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Elasticsearch runs as another user")
def test_who_runs_elasticsearch_can_put_no_link_where_root_writes(secured: Secured):
    folder = secured.node.folder
    for place in (folder, folder.parent, secured.service.log.parent):
        assert place.stat().st_uid == 0
    assert (folder / "data").stat().st_uid != 0


def test_a_data_folder_from_before_is_closed_and_that_is_said(tmp_path, loose_umask):
    own = tmp_path / "ingest-face"
    own.mkdir(mode=0o755)
    said: list[str] = []
    with local_stack.working_folder(tmp_path, said.append) as folder:
        assert folder == own
        assert mode(own) & 0o066 == 0
    assert len(said) == 1
    assert f"[{own}]" in said[0]
    with local_stack.working_folder(tmp_path, said.append):
        assert len(said) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make somebody else's folder")
def test_root_uses_no_folder_in_which_somebody_else_could_have_put_links(tmp_path):
    own = tmp_path / "ingest-face"
    own.mkdir()
    os.chown(own, SOMEBODY, SOMEBODY)
    with pytest.raises(PermissionError, match="ingest-face"), local_stack.working_folder(tmp_path):
        pass
    assert own.stat().st_uid == SOMEBODY


def test_a_new_data_folder_is_closed(tmp_path, loose_umask):
    said: list[str] = []
    for data in (tmp_path, None):
        with local_stack.working_folder(data, said.append) as folder:
            assert mode(folder) & 0o066 == 0
    assert said == []


def test_a_log_is_never_written_through_a_link(tmp_path, loose_umask):
    theirs = tmp_path / "theirs"
    theirs.write_text("")
    (tmp_path / "service.log").symlink_to(theirs)
    with pytest.raises(OSError, match=r"service\.log"):
        open_log(tmp_path / "service.log")
    with open_log(tmp_path / "new.log") as log:
        log.write(b"x")
    assert mode(tmp_path / "new.log") == 0o600


def test_a_file_with_results_is_its_owners_unless_it_was_shared_before(tmp_path, loose_umask):
    new, shared = tmp_path / "new.json", tmp_path / "shared.json"
    shared.write_text("a longer text than the new one")
    shared.chmod(0o640)
    for file in (new, shared):
        write_private(file, b"{}")
        assert file.read_bytes() == b"{}"
    assert (mode(new), mode(shared)) == (0o600, 0o640)


def test_a_page_with_photos_is_its_owners(tmp_path, loose_umask):
    folder = tmp_path / "report"
    picture = PagePicture("1.jpg", b"\xff\xd8", "Ann")
    Page("Who?", (), (Section("Ann", (Tiles((Tile((picture,), ("Ann",)),)),)),)).write(folder, "explore")
    assert {path.name for path in folder.rglob("*")} == {
        "explore.html",
        "explore.md",
        "explore-pictures",
        "1.jpg",
    }
    assert open_to_others(folder) == {}


def test_weights_are_changed_by_their_owner_alone_and_read_by_elasticsearchs_user(tmp_path, loose_umask):
    for umask in (0o000, 0o077):
        os.umask(umask)
        root = tmp_path / f"cache-{umask}"
        with new_file(root / "weights" / "one.onnx") as file:
            file.write_bytes(b"x")
        with new_folder(root / "sample") as folder:
            (folder / "ann").mkdir()
            (folder / "ann" / "1.jpg").write_bytes(b"x")
        for path in (root, *root.rglob("*")):
            assert mode(path) == (0o755 if path.is_dir() else 0o644), path
