"""Reads an error answer of the service: RFC 9457 `application/problem+json`.

Everything in it is data: it may repeat what a stranger typed. It is made
visible here, once, and shown under a label by `refusal`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx

from mcp_golive.visible import excerpt

_MEDIA_TYPE = "application/problem+json"

# One field of an error answer; long enough for any sentence the service writes.
_FIELD_LIMIT_CHARACTERS = 1000


@dataclass(frozen=True)
class InvalidField:
    """One thing to repair in the input."""

    field: str
    """Name of the field as in the request, `` when the problem is of the whole request."""

    detail: str


@dataclass(frozen=True)
class Problem:
    """An error answer; every text in it is on one line and hides nothing."""

    kind: str
    """The stable word for its kind, the last part of `type`: `exists`, `stale` and so on."""

    title: str
    detail: str
    invalid: tuple[InvalidField, ...]
    report_id: str
    report_status: str
    version: str
    """The version of that report, for a call that is bound to it."""

    @classmethod
    def read(cls, response: httpx.Response) -> "Problem | None":
        """Return the problem in `response`, or `None` when it has none: golive always has one."""
        media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != _MEDIA_TYPE:
            return None
        try:
            body: object = response.json()
        except ValueError:
            return None
        return cls.of(cast(dict[str, Any], body)) if isinstance(body, dict) else None

    @classmethod
    def of(cls, members: Mapping[str, Any]) -> "Problem":
        """Return the problem that the document with `members` tells of."""
        return cls(
            kind=_text(members, "type").rpartition(":")[2],
            title=_text(members, "title"),
            detail=_text(members, "detail"),
            invalid=tuple(_invalid_fields(members.get("errors"))),
            report_id=_text(members, "report_id"),
            report_status=_text(members, "report_status"),
            version=_text(members, "current_etag").strip('"'),
        )


def _invalid_fields(errors: object) -> list[InvalidField]:
    if not isinstance(errors, list):
        return []
    return [
        InvalidField(
            # A JSON pointer, bare or as a URI fragment (`/report_data`, `#/report_data`), or
            # the parameter of a query (`?repository_url`).
            field=_text(entry, "pointer").lstrip("#?").strip("/"),
            detail=_text(entry, "detail"),
        )
        for entry in cast(list[object], errors)
        if isinstance(entry, dict)
        for entry in [cast(dict[str, Any], entry)]
    ]


def _text(members: Mapping[str, Any], key: str) -> str:
    value = members.get(key)
    return excerpt(value, _FIELD_LIMIT_CHARACTERS) if isinstance(value, str) else ""
