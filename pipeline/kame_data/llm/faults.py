"""The meaning of an error reply for its own request, and for all of them."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum

from kame_data.llm.provider import Reply
from kame_data.llm.providers.base import error_of


class Fault(Enum):
    """The fault of one attempt."""

    NONE = "an answer"
    LIMIT = "rate limit"
    BUSY = "overloaded"
    SERVER = "server error"
    CUT = "connection cut"
    HANG = "no answer in time"
    UNREACHABLE = "not reachable"
    BAD_BODY = "malformed response"
    EMPTY = "empty answer"
    WORDLESS = "cut off before a word"
    REFUSED = "content refused"
    KEY = "key refused"
    QUOTA = "credit used up"
    MODEL = "model unknown"
    REQUEST = "request refused"


PUSHBACK = frozenset({Fault.LIMIT, Fault.BUSY})
"""The provider asks for patience; not the request's fault."""
OUTAGE = frozenset({Fault.LIMIT, Fault.BUSY, Fault.UNREACHABLE})
"""Faults that no number of tries turns into the request's own."""
USELESS = frozenset({Fault.EMPTY, Fault.WORDLESS, Fault.BAD_BODY})
"""Paid for, and of no use."""
CHARGED = frozenset({Fault.CUT, Fault.HANG})
"""The request had gone out; it may have been paid for."""

_QUOTA = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota", "out of credits")
_CONTENT = ("content_filter", "content_policy", "content management policy", "safety system", "moderation")


def fault_of(reply: Reply) -> Fault:
    """The meaning of a reply whose status is not 200."""
    status = reply.status
    if 200 <= status < 300:
        return Fault.NONE
    error = error_of(reply)
    words = f"{error.get('type')} {error.get('code')} {error['message']}".lower()
    if status == 402 or (status in (400, 403, 429) and any(word in words for word in _QUOTA)):
        return Fault.QUOTA
    if status in (400, 403) and any(word in words for word in _CONTENT):
        return Fault.REFUSED
    if status == 429:
        return Fault.LIMIT
    if status in (502, 503, 504, 529) or "overloaded" in words:
        return Fault.BUSY
    if status in (401, 403):
        return Fault.KEY
    if status == 404:
        return Fault.MODEL
    if status in (408, 409, 425):
        return Fault.SERVER
    return Fault.SERVER if status >= 500 else Fault.REQUEST


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks to wait; None where it does not say."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        try:
            return max(0.0, float(value))
        except ValueError:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
