"""A golive service on a real socket that answers what the test tells it to."""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Request:
    """One request as the service saw it; header names are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 — whatever was sent
        """Return the body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """One answer; a `body` that is not bytes is sent as JSON."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    content_type: str = JSON


class FakeService:
    """What the test says to the service, and what the service saw."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Answer | Callable[[Request], Answer] = Answer(body=[])
        self.released = threading.Event()
        """Lets every answer that `never` holds back go; set at the end of the test."""
        self.base_url = ""

    def never(self, _: Request) -> Answer:
        """Answer only when the test is over."""
        self.released.wait()
        return Answer(status=503)

    def reply(self, request: Request) -> Answer:
        """Return the answer to `request`."""
        self.requests.append(request)
        return self.answer(request) if callable(self.answer) else self.answer


@contextmanager
def running_fake() -> Generator[FakeService]:
    """Serve on a free port of this machine until the block ends."""
    fake = FakeService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output to the test."""

        def _serve(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            answer = fake.reply(Request(self.command, url.path, query, headers, body))
            content = answer.body
            if not isinstance(content, bytes):
                content = json.dumps(content).encode("utf-8")
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except ConnectionError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.base_url = f"http://127.0.0.1:{server.server_port}/api/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        fake.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
