"""Keys and passwords for Elasticsearch: which are accepted, and that no message repeats them."""

from __future__ import annotations

import base64

import pytest

from es_setup.connection import Connection, ConnectionFailed


@pytest.mark.parametrize("key", ["secret\n", "secret-顔"])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(key):
    with pytest.raises(ConnectionFailed, match="ES_API_KEY") as refused:
        Connection(es_api_key=key).elasticsearch()
    assert "secret" not in str(refused.value)


def test_a_password_may_have_letters_of_any_language():
    es = Connection(es_user="jürgen", es_password="schlüssel-顔").elasticsearch()
    scheme, _, login = es._headers["authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(login).decode() == "jürgen:schlüssel-顔"
