"""An S3-compatible server, and a proxy in front of it that answers some requests wrongly, late or not at all. `.ci/objects` uses it.

The server is moto, in a process of its own. It compares `If-Match` and `If-None-Match` before it writes, without a lock around
both. The proxy therefore sends the writes of one object one after the other.
"""

import collections
import dataclasses
import enum
import http.client
import http.server
import random
import re
import select
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

from machines import WAIT

# Headers of one connection, which are not passed on.
OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "te", "upgrade", "proxy-connection"}


class Fault(enum.Enum):
    """What becomes of a request."""

    UNAVAILABLE = "503, not applied"
    CONFLICT = "409, not applied"
    FAILED_AFTER = "500, though applied"
    DROPPED_AFTER = "applied, then the connection is closed without an answer"
    CUT = "applied, and the answer ends before its end"
    TWICE = "applied twice, and the second answer is given"
    SILENT_BEFORE = "never answered, not applied"
    SILENT_AFTER = "never answered, though applied"
    HELD = "applied when the test releases it"


@dataclasses.dataclass
class Request:
    method: str
    target: str
    headers: list
    body: bytes

    def __post_init__(self):
        path, _, self.query = self.target.partition("?")
        self.path = urllib.parse.unquote(path)

    def header(self, name):
        return next((value for found, value in self.headers if found.lower() == name), "")


@dataclasses.dataclass
class Answer:
    status: int
    headers: list
    body: bytes


@dataclasses.dataclass
class Rule:
    """Requests that it matches get one of its faults. `path` and `query` are searched for, `method` and `headers` match whole.
    `client` is the access key of the client, None is any. It ends after so many `times`, None is never."""

    faults: tuple
    method: str = ".*"
    path: str = ""
    query: str = ""
    headers: dict = dataclasses.field(default_factory=dict)
    client: str | None = None
    times: int | None = 1
    chance: float = 1.0

    def __post_init__(self):
        self.hits = collections.Counter()
        # A request that is held or not answered has arrived; the test releases one that is held.
        self.arrived, self.released = threading.Event(), threading.Event()

    def matches(self, request):
        return (
            self.times != 0
            and re.fullmatch(self.method, request.method) is not None
            and re.search(self.path, request.path) is not None
            and re.search(self.query, request.query) is not None
            and (self.client is None or f"Credential={self.client}/" in request.header("authorization"))
            and all(re.fullmatch(value, request.header(name)) for name, value in self.headers.items())
        )


class Proxy:
    """Passes requests on to a server, except where a rule matches. The first that matches counts."""

    def __init__(self, upstream, seed):
        self.upstream, self.random = upstream, random.Random(seed)
        self.rules, self.seen, self.recent = [], collections.Counter(), collections.deque(maxlen=60)
        self.lock, self.writes = threading.Lock(), collections.defaultdict(threading.Lock)
        self.connections, self.server, self.port = set(), None, 0
        self.start()

    def start(self):
        """Listens; again on the same port after `stop`."""
        proxy = self

        class BoundHandler(Handler):
            def setup(self):
                self.proxy = proxy
                super().setup()

        self.server = Server(("127.0.0.1", self.port), BoundHandler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        """Refuses connections, and closes those that are open."""
        self.server.shutdown()
        self.server.server_close()
        for rule in self.rules:
            rule.released.set()
        with self.lock:
            open_now = list(self.connections)
        for connection in open_now:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def add(self, *faults, **options):
        rule = Rule(faults, **options)
        with self.lock:
            self.rules.append(rule)
        return rule

    def remove(self, *rules):
        with self.lock:
            self.rules = [rule for rule in self.rules if rule not in rules]
        for rule in rules:
            rule.released.set()

    def draw(self, request):
        """The rule for a request and the fault of it, if there is one."""
        with self.lock:
            self.seen[request.method, request.path] += 1
            for rule in self.rules:
                if rule.matches(request) and (rule.chance >= 1 or self.random.random() < rule.chance):
                    fault = rule.faults[0] if len(rule.faults) == 1 else self.random.choice(rule.faults)
                    rule.times = None if rule.times is None else rule.times - 1
                    rule.hits[fault] += 1
                    return rule, fault
        return None, None

    def note(self, request, fault, status):
        client = re.search(r"Credential=([^/]*)/", request.header("authorization"))
        with self.lock:
            name = client[1] if client else "-"
            self.recent.append(f"{name} {request.method} {request.target} -> {status}{f' ({fault.value})' if fault else ''}")

    def count(self, method, path):
        """How many requests of a method had a path like that."""
        with self.lock:
            return sum(count for (found, name), count in self.seen.items() if found == method and re.search(path, name))

    def forward(self, request, times=1):
        if request.method in ("GET", "HEAD"):
            return self.send(request)
        with self.lock:
            write = self.writes[request.path]
        with write:
            for _ in range(times):
                answer = self.send(request)
            return answer

    def send(self, request):
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=WAIT)
        try:
            # The headers stay as they are: the client has signed some of them.
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in OF_CONNECTION:
                    connection.putheader(name, value)
            if request.body or request.method in ("PUT", "POST"):
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            found = connection.getresponse()
            body = found.read()
            kept = OF_CONNECTION - {"content-length"} if request.method == "HEAD" else OF_CONNECTION
            return Answer(found.status, [pair for pair in found.getheaders() if pair[0].lower() not in kept], body)
        finally:
            connection.close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        # Clients that are killed close their connections.
        if not isinstance(sys.exc_info()[1], (OSError, EOFError)):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        with self.proxy.lock:
            self.proxy.connections.add(self.connection)

    def finish(self):
        with self.proxy.lock:
            self.proxy.connections.discard(self.connection)
        super().finish()

    def handle_request(self):
        request = Request(self.command, self.path, self.headers.items(), self.read_body())
        rule, fault = self.proxy.draw(request)
        try:
            answer = self.answer_to(request, rule, fault)
        except ConnectionError as error:
            # The server behind is not there.
            answer = failure(502, "BadGateway", str(error))
        self.proxy.note(request, fault, answer.status if answer else "no answer")
        if answer is None:
            self.close_connection = True
        elif fault is Fault.CUT and answer.body:
            self.write(request, answer, answer.body[: len(answer.body) // 2])
            self.close_connection = True
        else:
            self.write(request, answer, answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

    def answer_to(self, request, rule, fault):
        """The answer, or None where there is none."""
        if fault is Fault.UNAVAILABLE:
            return failure(503, "SlowDown", "Please reduce your request rate.")
        if fault is Fault.CONFLICT:
            return failure(409, "ConditionalRequestConflict", "A conflicting operation occurred during the request.")
        if fault is Fault.HELD:
            rule.arrived.set()
            rule.released.wait(WAIT)
        if fault is Fault.SILENT_BEFORE:
            rule.arrived.set()
            return self.wait_for_end()
        answer = self.proxy.forward(request, 2 if fault is Fault.TWICE else 1)
        if fault is Fault.SILENT_AFTER:
            rule.arrived.set()
            return self.wait_for_end()
        if fault is Fault.FAILED_AFTER:
            return failure(500, "InternalError", "We encountered an internal error. Please try again.")
        return None if fault is Fault.DROPPED_AFTER or (fault is Fault.CUT and not answer.body) else answer

    def wait_for_end(self):
        """Waits until the client closes the connection."""
        select.select([self.connection], [], [], WAIT)

    def read_body(self):
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return b"".join(iter(self.read_chunk, b""))
        return self.read_whole(int(self.headers.get("content-length") or 0))

    def read_chunk(self):
        length = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.read_whole(length)
        # After the last chunk there may be trailers, up to an empty line; after the others is the end of a line.
        while self.rfile.readline().strip() and length == 0:
            pass
        return chunk

    def read_whole(self, length):
        """A body that ends before its length is that of a client that was killed, and is not passed on."""
        body = self.rfile.read(length)
        if len(body) < length:
            raise EOFError(f"{len(body)} of {length} bytes")
        return body

    def write(self, request, answer, body):
        headers = list(answer.headers)
        if request.method != "HEAD" and answer.status not in (204, 304):
            headers.append(("Content-Length", str(len(answer.body))))
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}", *(f"{name}: {value}" for name, value in headers), "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + (b"" if request.method == "HEAD" else body))

    def log_message(self, *_):
        pass


def failure(status, code, message):
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, [("Content-Type", "application/xml")], text.encode())


class Storage:
    """The server and the proxy; the server ends with the block."""

    def __init__(self, seed):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.upstream = free.getsockname()[1]
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.upstream)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait()
            self.proxy = Proxy(self.upstream, seed)
            self.url = f"http://127.0.0.1:{self.proxy.port}"
            self.client = self.connect(self.upstream)
        except BaseException:
            self.process.kill()
            raise

    def wait(self):
        end = time.monotonic() + WAIT
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", self.upstream)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the S3-compatible server has not started")

    def connect(self, port, **options):
        """A client of its own, of the proxy or of the server behind it."""
        import boto3
        import botocore.config

        keys = {"aws_access_key_id": "observer", "aws_secret_access_key": "observer", "region_name": "us-east-1"}
        config = botocore.config.Config(s3={"addressing_style": "path"}, **options)
        return boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=config, **keys)

    def objects(self, bucket, prefix=""):
        """The names of objects with their ETags."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.proxy.stop()
        self.process.kill()
        self.process.wait()
