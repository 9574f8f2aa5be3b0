"""The code of a refusal decides what follows for the message, whatever HTTP status it came with."""

from datetime import timedelta
from typing import Any

import pytest

from bot.whatsapp.errors import (
    HoldNumber,
    HoldTemplate,
    Later,
    NeedsTemplate,
    OurBug,
    Retry,
    SendError,
    SlowNumber,
    SlowPair,
    Undeliverable,
    Unknown,
    failure,
    refusal,
)

CLASSES = [
    (Retry, [(2, 503), (1, 400), (131016, 500), (131057, 500), (131000, 400), (131053, 400), (133004, 503)]),
    (Unknown, [(1, 500), (131000, 500), (131000, 502), (999, 500), (131000, 504)]),
    (SlowPair, [(131056, 400), (131056, 429)]),
    (SlowNumber, [(4, 400), (80007, 400), (130429, 400), (130429, 429), (999, 429)]),
    (HoldNumber, [(0, 401), (3, 500), (10, 403), (190, 401), (200, 403), (299, 403), (368, 403), (130497, 403),
                  (131005, 403), (131031, 403), (131037, 400), (131042, 400), (131045, 500), (131048, 400),
                  (131064, 400), (133010, 400), (999, 401)]),
    (HoldTemplate, [(132000, 400), (132001, 404), (132005, 400), (132007, 400), (132012, 400), (132015, 400),
                    (132016, 400)]),
    (NeedsTemplate, [(131047, 400)]),
    (Undeliverable, [(1026, 400), (130403, 400), (131021, 400), (131026, 400), (131030, 400), (131050, 400),
                     (131062, 400)]),
    (Later, [(130472, 400), (131049, 400)]),
    (OurBug, [(100, 400), (33, 400), (131008, 400), (131009, 400), (131051, 400), (132018, 400), (135000, 400),
              (999, 400)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "code", "status"), [(k, c, s) for k, pairs in CLASSES for c, s in pairs])
def test_the_code_decides(kind: type[SendError], code: int, status: int) -> None:
    error = refusal(status, {"error": {"code": code, "error_data": {"details": "d"}, "fbtrace_id": "A1"}}, {})
    assert type(error) is kind
    assert (error.code, error.http_status, error.details, error.trace) == (code, status, "d", "A1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, Unknown), (302, Unknown), (500, Unknown), (502, Unknown), (503, Unknown), (504, Unknown), (408, Unknown),
     (400, OurBug), (404, OurBug), (413, OurBug), (401, HoldNumber), (429, SlowNumber)],
)  # fmt: skip
def test_a_page_without_words_of_graph_leaves_a_doubt_unless_it_is_a_plain_no(status: int, kind: type) -> None:
    answers: list[Any] = [None, [], {}, {"error": "text"}, {"error": None}]
    for answer in answers:
        assert type(refusal(status, answer, {})) is kind


def test_a_passing_trouble_that_meta_calls_transient_is_tried_again() -> None:
    assert type(refusal(400, {"error": {"code": 999, "is_transient": True}}, {})) is Retry


@pytest.mark.parametrize(
    ("code", "kind"),
    [(131026, Undeliverable), (131047, NeedsTemplate), (131049, Later), (131042, HoldNumber), (131000, Retry),
     (132015, HoldTemplate), (1026, Undeliverable), (None, OurBug), (777777, OurBug)],
)  # fmt: skip
def test_a_failed_status_was_certainly_not_delivered(code: int | None, kind: type) -> None:
    assert type(failure(code)) is kind


def test_waits_grow_and_meta_s_own_word_goes_first() -> None:
    assert [SlowPair(131056).wait(n).total_seconds() for n in (1, 2, 3)] == [6, 24, 96]
    assert [Retry(2).wait(n).total_seconds() for n in (1, 2, 3, 99)] == [2, 4, 8, 300]
    assert Later(131049).wait(1) == timedelta(days=1)
    usage = '{"500400300200100":[{"type":"whatsapp","estimated_time_to_regain_access":7}]}'
    busy = {"error": {"code": 80007}}
    assert refusal(400, busy, {"x-business-use-case-usage": usage, "retry-after": "3"}).wait(1) == timedelta(minutes=7)
    assert refusal(429, busy, {"retry-after": "3"}).wait(5) == timedelta(seconds=3)


@pytest.mark.parametrize(
    "headers",
    [{"retry-after": "soon"}, {"retry-after": "-1"}, {"x-business-use-case-usage": '{"estimated_time_to_regain_access'},
     {"x-business-use-case-usage": '{"a":[{"estimated_time_to_regain_access":0}]}'},
     {"x-business-use-case-usage": '{"a":3,"estimated_time_to_regain_access":[null]}'}],
)  # fmt: skip
def test_nonsense_in_headers_is_no_pause(headers: dict[str, str]) -> None:
    assert refusal(429, {"error": {"code": 4}}, headers).wait(1) == timedelta(seconds=5)


def test_operators_hear_of_what_they_must_put_right() -> None:
    assert all(failure(code).needs_operator for code in (190, 132001, 100, 131030))
    assert not any(failure(code).needs_operator for code in (131026, 131047, 131056, 2))
    assert failure(130497).one_country_only  # type: ignore[attr-defined]
    assert (failure(1).most_attempts, failure(131053).most_attempts, failure(2).most_attempts) == (3, 2, None)


def test_an_error_written_to_a_log_exposes_nobody() -> None:
    error = refusal(400, {"error": {"code": 131030, "message": "+919000012345", "error_data": "+919000012345"}}, {})
    assert "9000012345" not in f"{error} {error!r}"
