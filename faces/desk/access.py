"""Signing in with a person's own user or API key of Elasticsearch, and what that may do."""

from __future__ import annotations

from dataclasses import replace

from elasticsearch import ApiError, AuthenticationException, AuthorizationException, Elasticsearch

from es_setup.connection import Connection
from es_setup.shipped_files import JOURNAL
from faces.decisions.journal import user_name
from faces.desk.sessions import Session
from faces.desk.settings import DeskSettings
from ingest_service.errors import UserError

NEEDED = ("read", "write")


class SignInFailed(UserError):
    """Elasticsearch takes neither this user nor this key."""


def has_users(es: Elasticsearch) -> bool:
    """Whether Elasticsearch wants people to sign in.

    Raises:
        elasticsearch.TransportError: it can't be reached.
    """
    try:
        answer = es.options(ignore_status=(400, 404, 405, 500)).perform_request(
            "GET", "/_security/_authenticate", headers={"accept": "application/json"}
        )
    except (AuthenticationException, AuthorizationException):
        return True
    return int(answer.meta.status) == 200


def sign_in(settings: DeskSettings, user: str, password: str, api_key: str) -> Session:
    """A session with a person's own rights.

    Raises:
        SignInFailed: the credentials are wrong or empty.
        elasticsearch.TransportError: Elasticsearch can't be reached.
    """
    if not api_key and not (user and password):
        raise SignInFailed("Give a user and a password, or an API key.")
    own = replace(
        settings.connection,
        es_user=None if api_key else user,
        es_password=None if api_key else password,
        es_api_key=api_key or None,
    )
    es = own.elasticsearch()
    try:
        name = str(es.security.authenticate()["username"])
    except (AuthenticationException, AuthorizationException):
        raise SignInFailed("Elasticsearch doesn't know this user and password, or this key.") from None
    return Session(own, es, name, may_write(es, settings))


def without_users(connection: Connection, es: Elasticsearch) -> Session:
    """A session where nobody signs in, with the client of all."""
    return Session(connection, es, user_name(es), may_write=True, owns_client=False)


def may_write(es: Elasticsearch, settings: DeskSettings) -> bool:
    """Whether a user may say who is who: change photos, and write that into the journal."""
    wanted = [{"names": [*settings.places.split(","), JOURNAL], "privileges": list(NEEDED)}]
    try:
        return bool(es.security.has_privileges(index=wanted)["has_all_requested"])
    except ApiError:
        return False
