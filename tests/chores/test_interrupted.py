"""Ctrl-C in the middle of a command leaves nothing open in Elasticsearch."""

from __future__ import annotations


def test_no_search_stays_open(run, es, probes, gallery, journal, store, album, killed):
    store(probes, album.documents)
    assert run("enroll", album.files["ann-0"], "--name", "Ann")[0] == 0
    with killed():
        assert run("identify", "--all")[0] == 130
    search = es.indices.stats(index=probes, metric="search")["_all"]["total"]["search"]
    assert search["open_contexts"] == 0
