"""When a photo was taken and ingested: ``@timestamp`` and ``event``, as the plugin's ``EventFields``."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

Earlier = Literal["none", "same_photo", "other_photo"]
"""Whether an earlier run wrote to a document, and about which photo. ``other_photo``: also about one that
couldn't be read, which may have been the same."""

DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?)?)?)?"
)
"""Elasticsearch's ``strict_date_optional_time``."""
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MOST_NANOS = 2**63


def as_text(moment: datetime) -> str:
    """In UTC with milliseconds."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def millis_of(value: Any) -> int | None:
    """Milliseconds since 1970 of a value that ``strict_date_optional_time||epoch_millis`` takes; None of
    another."""
    text = str(value)
    if found := DATE.fullmatch(text):
        try:
            year, month, day = (int(found[name] or 1) for name in ("year", "month", "day"))
            hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
            moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(found["zone"]))
            thousandths = int((found["fraction"] or "").ljust(3, "0")[:3])
            return (moment - EPOCH) // timedelta(milliseconds=1) + thousandths
        except (ValueError, OverflowError):
            return None
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def lag(sent: Any, now: datetime) -> int | None:
    """Nanoseconds from a sender's time to now, negative for a future one; None for what is no time."""
    millis = millis_of(sent)
    if millis is None:
        return None
    nanos = ((now - EPOCH) // timedelta(milliseconds=1) - millis) * 1_000_000
    return nanos if abs(nanos) < MOST_NANOS else None


def sent_time(timestamp: Any, earlier: Earlier, has_lag: bool, ours: tuple[Any, ...]) -> Any:
    """The ``@timestamp`` that the sender gave, as far as that can be told after an earlier run; None without.

    Args:
        has_lag: whether the document has ``event.lag``: an earlier run wrote it only for a sender's time.
        ours: the times that an earlier run may have written there.
    """
    if timestamp is None or earlier == "none" or has_lag:
        return timestamp
    # After a run on the same photo it may be the time of an older ingest, which looks like a sender's.
    return None if earlier == "same_photo" or timestamp in ours else timestamp


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return timezone.utc
    digits = str(text)[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if str(text)[0] == "-" else offset)
