"""The review page on this machine: a queue's folder shown in a browser.

Safe by these rules: it listens on 127.0.0.1 only; the address holds a random token; the Host header
must name this machine (no other site's name may point here); a decision must come from the page
itself (Origin) as JSON, so no other web page can post one; nothing is sent that allows another
origin to read; the page runs its own script only and loads nothing from elsewhere. Images come from
the queue's own folder, by the name of a hash. Nothing is logged.
"""

from __future__ import annotations

import hmac
import json
import secrets
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pulsemind.data.review.desk import Desk, Refused

HOST = "127.0.0.1"
LARGEST = 1_000_000
"""Bytes of a posted decision."""
Answer = tuple[HTTPStatus, str, bytes]


def page(nonce: str) -> bytes:
    """The page; `nonce` lets its own style and script run, and no others."""
    html = files("pulsemind").joinpath("data/review/page.html").read_text(encoding="utf-8")
    return html.replace("{{nonce}}", nonce).encode()


def server(folder: Path, port: int = 0) -> tuple[ThreadingHTTPServer, str]:
    """A server for a queue's folder, not yet running, and the address to open.

    Args:
        port: 0 takes a free one; a fixed one lets the browser remember the reviewer.

    Raises FileNotFoundError when the folder has no queue, OSError when the port is taken.
    """
    desk, token = Desk(folder), secrets.token_urlsafe(18)

    made = ThreadingHTTPServer((HOST, port), partial(_Handler, desk, token))
    made.daemon_threads = True
    return made, f"http://{HOST}:{made.server_address[1]}/{token}/"


class _Handler(BaseHTTPRequestHandler):
    """Checks who asks, then hands the request to the desk."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "review", ""
    timeout = 30

    def __init__(self, desk: Desk, token: str, *connection: Any) -> None:
        self.desk, self.token = desk, token
        super().__init__(*connection)  # handles the request

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: addresses hold the token, and queries the reviewer."""

    def _get(self, path: str, query: dict[str, str], nonce: str) -> Answer:
        if path == "":
            return HTTPStatus.OK, "text/html; charset=utf-8", page(nonce)
        if path == "api/queue":
            return _json(self.desk.queue(query.get("reviewer", "")))
        if path == "api/task":
            return _json(self.desk.task(query.get("id", ""), query.get("reviewer", "")))
        kind, data = self.desk.image(path)
        return HTTPStatus.OK, kind, data

    def _post(self, path: str, query: dict[str, str], nonce: str) -> Answer:
        if self.headers.get("Origin") != f"http://{self.headers['Host']}":
            raise Refused(HTTPStatus.FORBIDDEN, "not from the review page")
        if self.headers.get_content_type() != "application/json":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not JSON")
        if path != "api/decision":
            raise Refused(HTTPStatus.NOT_FOUND, "no such page")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LARGEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise Refused(HTTPStatus.BAD_REQUEST, "not JSON") from None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "not a decision")
        return _json(self.desk.decide(body))

    def _answer(self, method: Any) -> None:
        nonce = secrets.token_urlsafe(12)
        try:
            port = self.connection.getsockname()[1]
            if self.headers.get("Host") not in {f"{HOST}:{port}", f"localhost:{port}"}:
                raise Refused(HTTPStatus.FORBIDDEN, "wrong host")
            address = urlsplit(self.path)
            token, _, path = address.path.removeprefix("/").partition("/")
            if not hmac.compare_digest(token.encode(), self.token.encode()):
                raise Refused(HTTPStatus.FORBIDDEN, "wrong or missing token")
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            status, kind, data = method(path, query, nonce)
        except Refused as refusal:
            status, kind = refusal.status, "application/json"
            data = json.dumps({"error": refusal.why}).encode()
            self.close_connection = True
        self.send_response(status)
        for name, value in _headers(kind, len(data), nonce):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _json(value: object) -> Answer:
    return HTTPStatus.OK, "application/json", json.dumps(value, ensure_ascii=False).encode()


def _headers(kind: str, length: int, nonce: str) -> list[tuple[str, str]]:
    own = f"'nonce-{nonce}'"
    return [
        ("Content-Type", kind),
        ("Content-Length", str(length)),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        (
            "Content-Security-Policy",
            f"default-src 'none'; img-src 'self'; connect-src 'self'; script-src {own}; "
            f"style-src {own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ]
