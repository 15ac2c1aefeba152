"""The alert rule that `faces dashboards install --alert` adds."""

from __future__ import annotations

import json

from dashboard_output import said_of
from tools import encoded


def test_the_alert_rule_is_made_once_and_overwritten_on_demand(run, fake):
    assert fake.rules == {}
    status, out, _ = run("install", "--alert")
    assert status == 0
    assert said_of(out, "Face alerts") == said_of(out, "A face on the watch list") == "made"
    made = dict(fake.rules)
    for body in fake.rules.values():
        body["name"] = "Mine"
    _, out, _ = run("install", "--alert")
    assert said_of(out, "Face alerts") == said_of(out, "A face on the watch list") == "exists"
    assert {body["name"] for body in fake.rules.values()} == {"Mine"}
    _, out, _ = run("install", "--alert", "--overwrite")
    assert said_of(out, "A face on the watch list") == "replaced"
    assert fake.rules.keys() == made.keys()
    assert "Mine" not in {body["name"] for body in fake.rules.values()}


def test_each_space_has_an_alert_rule_with_a_connector_of_its_own(run, fake):
    fake.spaces.add("lab")
    run("install", "--alert")
    assert run("install", "--alert", "--space", "lab")[0] == 0
    for space, path in (("default", "/app/dashboards"), ("lab", "/s/lab/app/dashboards")):
        [connector] = [name for kind, where, name in fake.rules if (kind, where) == ("connector", space)]
        [rule] = [body for (kind, where, _), body in fake.rules.items() if (kind, where) == ("rule", space)]
        [action] = rule["actions"]
        assert action["id"] == connector
        assert action["params"]["documents"][0]["board"].startswith("{{kibanaBaseUrl}}" + path)


def test_a_kibana_without_an_encryption_key_is_explained(run, fake):
    fake.encryption_key = False
    status, _, err = run("install", "--alert")
    assert status == 1
    assert "xpack.encryptedSavedObjects.encryptionKey" in err


def test_the_alerts_query_finds_hits_on_the_watch_list_without_their_photos(run, fake, running, people):
    run("install", "--alert")
    [params] = [body["params"] for (kind, *_), body in fake.rules.items() if kind == "rule"]
    es, photos = running.connection.elasticsearch(), people["madonna"]
    portrait = {"image": encoded(photos[0]), "person": {"name": "Madonna"}, "tags": ["watch"]}
    es.index(index="face-gallery", id="watched", document=portrait, refresh=True)
    probes = {"hit": photos[0], "other": people["elton_john"][0]}
    for name, photo in probes.items():
        document = {"image": encoded(photo), "observer": {"name": "gate 3"}}
        es.index(index="face-probes", id=name, document=document, refresh=True)
    try:
        query = json.loads(params["esQuery"])
        recent = {"range": {params["timeField"]: {"gte": "now-5m"}}}
        hits = es.search(
            index=params["index"][0],
            query={"bool": {"filter": [query["query"], recent]}},
            source=query["_source"],
            fields=query["fields"],
        )["hits"]["hits"]
    finally:
        es.delete(index="face-gallery", id="watched", refresh=True)
        for name in probes:
            es.delete(index="face-probes", id=name, refresh=True)
    assert [(hit["_id"], hit["fields"]) for hit in hits] == [
        ("hit", {"matched_people": ["Madonna"], "observer.name": ["gate 3"]})
    ]
    assert "_source" not in hits[0]
