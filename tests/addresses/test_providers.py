"""Providers against a real HTTP server on this machine: what they send, what is made of the answers, how they fail."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import structlog

from bot.addresses import Address, check
from bot.addresses.providers import TIME_OUT, Google, ProviderError, consult, make_provider

ADDRESS = Address(
    "Flat 9, Palm Heights, Link Road, Malad West", city="Mumbai", state="Maharashtra", postal_code="400064"
)


class Answers:
    """What the server says next, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.body, self.delay, self.drip = 200, b"{}", 0.0, 0.0
        self.url = ""
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []


@pytest.fixture
def server():
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer()

        def answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            answers.asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            time.sleep(answers.delay)
            try:
                self.send_response(answers.status)
                self.send_header("Content-Length", str(len(answers.body)))
                self.end_headers()
                for n in range(len(answers.body)):
                    self.wfile.write(answers.body[n : n + 1])
                    if answers.drip:
                        self.wfile.flush()
                        time.sleep(answers.drip)
            except OSError:
                pass

        def log_message(self, *_):
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    answers.url = f"http://127.0.0.1:{http.server_port}"
    yield answers
    http.shutdown()
    http.server_close()


def test_google_becomes_statuses_and_suggestions_that_are_never_applied_unasked(server):
    server.body = json.dumps(
        {
            "result": {
                "verdict": {"validationGranularity": "PREMISE"},
                "address": {
                    "addressComponents": [
                        {
                            "componentType": "subpremise",
                            "componentName": {"text": "9"},
                            "confirmationLevel": "UNCONFIRMED_BUT_PLAUSIBLE",
                        },
                        {
                            "componentType": "locality",
                            "componentName": {"text": "Mumbai"},
                            "confirmationLevel": "CONFIRMED",
                        },
                        {
                            "componentType": "postal_code",
                            "componentName": {"text": "400095"},
                            "confirmationLevel": "UNCONFIRMED_AND_SUSPICIOUS",
                            "replaced": True,
                        },
                    ]
                },
                "geocode": {"location": {"latitude": 19.18, "longitude": 72.84}},
            }
        }
    ).encode()
    evidence = Google(server.url, "secret").look_up(ADDRESS)
    assert {(c.kind, c.value, c.status) for c in evidence.components} == {
        ("unit", "9", "plausible"),
        ("city", "Mumbai", "confirmed"),
        ("pincode", "400095", "conflict"),
    }
    assert (evidence.granularity, evidence.latitude) == ("PREMISE", 19.18)
    report = check(ADDRESS)
    more = consult(Google(server.url, "secret"), ADDRESS, report)
    assert [(s.field, s.value, s.safe) for s in more.suggestions] == [("postal_code", "400095", False)]
    assert (more.findings, more.score, more.question) == (report.findings, report.score, report.question)
    _, path, headers, body = server.asked[0]
    assert path == "/v1:validateAddress"
    assert headers["X-Goog-Api-Key"] == "secret"
    assert json.loads(body)["address"]["regionCode"] == "IN"


def test_nominatim_and_pelias_bring_coordinates_and_a_level(server):
    server.body = json.dumps(
        [{"lat": "19.18", "lon": "72.84", "addresstype": "road", "address": {"road": "Link Road", "city": "Mumbai"}}]
    ).encode()
    found = make_provider("nominatim", server.url).look_up(ADDRESS)
    assert (found.latitude, found.longitude, found.granularity) == (19.18, 72.84, "ROAD")
    assert {c.kind for c in found.components} == {"street", "city"}
    assert parse_qs(urlsplit(server.asked[-1][1]).query)["countrycodes"] == ["in"]
    server.body = json.dumps(
        {
            "features": [
                {"geometry": {"coordinates": [72.84, 19.18]}, "properties": {"layer": "street", "street": "Link Road"}}
            ]
        }
    ).encode()
    found = make_provider("pelias", server.url).look_up(ADDRESS)
    assert (found.latitude, found.longitude, found.granularity) == (19.18, 72.84, "STREET")


def test_libpostal_brings_components(server):
    server.body = json.dumps(
        [
            {"label": "house_number", "value": "9"},
            {"label": "road", "value": "link road"},
            {"label": "odd", "value": "x"},
        ]
    ).encode()
    found = make_provider("libpostal", server.url).look_up(ADDRESS)
    assert [(c.kind, c.value, c.source) for c in found.components] == [
        ("house_no", "9", "provider:libpostal"),
        ("street", "link road", "provider:libpostal"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"[1]",
        b'{"features": 3}',
        b'{"result": []}',
        b'{"features": [{"geometry": {"coordinates": [1]}}]}',
        b"<html>",
    ],
)
@pytest.mark.parametrize("name", ["google", "libpostal", "nominatim", "pelias"])
def test_a_strange_answer_leaves_the_offline_report_as_it_is(server, name, body):
    server.body = body
    report = check(ADDRESS)
    assert consult(make_provider(name, server.url, "key"), ADDRESS, report) == report


@pytest.mark.parametrize(("status", "reason"), [(500, "status 500"), (403, "status 403"), (302, "status 302")])
def test_a_refusal_is_logged_without_the_address_and_the_report_stands(server, status, reason):
    server.status = status
    report = check(ADDRESS)
    with structlog.testing.capture_logs() as logs:
        assert consult(make_provider("pelias", server.url, "key"), ADDRESS, report) == report
    assert [(entry["provider"], entry["reason"]) for entry in logs] == [("pelias", reason)]
    written = json.dumps(logs)
    assert not any(secret in written for secret in ("Malad", "Palm", "400064", "key", "127.0.0.1"))


@pytest.mark.parametrize(("delay", "drip"), [(TIME_OUT + 1, 0.0), (0.0, 0.2)])
def test_a_slow_server_costs_no_more_than_the_time_out(server, delay, drip):
    server.delay, server.drip, server.body = delay, drip, b"[" + b" " * 60 + b"]"
    began = time.monotonic()
    with pytest.raises(ProviderError, match="time-out"):
        make_provider("nominatim", server.url).look_up(ADDRESS)
    assert time.monotonic() - began < TIME_OUT + 0.9


def test_a_server_that_is_away_leaves_the_report_as_it_is():
    report = check(ADDRESS)
    assert consult(make_provider("nominatim", "http://127.0.0.1:9"), ADDRESS, report) == report


def test_providers_are_off_unless_named_and_a_wrong_setting_stops_the_start():
    assert make_provider("") is None
    assert consult(None, ADDRESS, check(ADDRESS)) == check(ADDRESS)
    for name, url, key, words in (
        ("bing", "", "", "unknown"),
        ("google", "", "", "needs a key"),
        ("pelias", "", "", "needs the URL"),
    ):
        with pytest.raises(ValueError, match=words):
            make_provider(name, url, key)
