"""A generated desk that a casebook binary serves, and what checks with real clients share. `.ci/wire` and `.ci/serve` use it."""

import json
import os
import socket
import subprocess
import sys
import time

PASSWORD = "correct horse battery"


class Desk:
    """A generated desk and what is known of it. Its folder has the certificate of `localhost` and that of its authority."""

    def __init__(self, program, folder):
        import trustme

        self.program, self.folder, self.process, self.tokens = program, folder, None, {}
        ca = trustme.CA()
        ca.cert_pem.write_to_path(folder / "ca.pem")
        certificate = ca.issue_cert("localhost")
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for number, pem in enumerate(certificate.cert_chain_pems):
            pem.write_to_path(folder / "cert.pem", append=number > 0)
        (folder / "events").write_text(self.run("generate", "--cases", "500", "--seed", "5"))
        self.run("ingest", "events", "--quiet")
        self.run("replay", "--quiet")
        self.cases = self.sql("SELECT count(*) AS n FROM cases")[0]["n"]
        agents = "SELECT agent, count(DISTINCT case_id) AS n FROM assignments WHERE agent IS NOT NULL GROUP BY agent ORDER BY n DESC, agent LIMIT 1"
        self.agent = self.sql(agents)[0]["agent"]
        self.supervisor = self.sql("SELECT \"user\" FROM users WHERE role IN ('admin', 'supervisor') ORDER BY role, \"user\" LIMIT 1")[0]["user"]
        self.platform = self.sql("SELECT platform, count(*) AS n FROM cases GROUP BY platform ORDER BY n DESC LIMIT 1")[0]["platform"]
        for user in (self.agent, self.supervisor):
            self.run("access", "add", user, "--stdin", "--quiet", text=PASSWORD)

    def run(self, *arguments, text=None):
        ran = subprocess.run([self.program, *arguments], cwd=self.folder, input=text, capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"{arguments}: {ran.stderr}")
        return ran.stdout

    def sql(self, query, *arguments):
        return json.loads(self.run("sql", "--format", "json", *arguments, query))

    def token(self, user, scope):
        """A token of a user; the same each time, because it is printed once."""
        if (user, scope) not in self.tokens:
            made = self.run("access", "token", user, "--name", f"{user}-{scope}", "--scope", scope, "--quiet")
            self.tokens[user, scope] = made.strip()
        return self.tokens[user, scope]

    def serve(self, *arguments, http=False, postgres=False):
        """Starts the server, and waits until it listens. `self.http` and `self.port` are the ports of its listeners."""
        self.http, self.port = free_port() if http else None, free_port() if postgres else None
        listeners = [f"127.0.0.1:{port}" if port else "off" for port in (self.http, self.port)]
        command = [self.program, "serve", "--http", listeners[0], "--postgres", listeners[1], *arguments]
        self.errors = self.folder / "serve.errors"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, cwd=self.folder, stderr=errors)
        for port in filter(None, (self.http, self.port)):
            wait_for(port, self.process, self.errors)

    def end(self):
        """Ends the server as an operator does; gives whether it was alive, and its exit code."""
        alive = self.process.poll() is None
        self.process.terminate()
        try:
            return alive, self.process.wait(300)
        finally:
            self.process.kill()

    def environment(self, user, password=PASSWORD):
        """What clients of PostgreSQL read."""
        return {**os.environ, "PGHOST": "localhost", "PGPORT": str(self.port), "PGUSER": user, "PGPASSWORD": password, "PGDATABASE": "casebook",
                "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.folder / "ca.pem"), "PGCONNECT_TIMEOUT": "300"}


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for(port, process, errors):
    """Waits until something listens at a port; a process that ended instead is an error."""
    for _ in range(6000):
        if process.poll() is not None:
            sys.exit(f"{process.args}: {errors.read_text()}")
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{process.args}: nothing listens at {port}")


def check(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, expected {expected!r}")


def try_clients(desk, clients, names):
    """Tries each client, then ends the server; exits with an error where one fails."""
    failed = []
    try:
        for name in names or clients:
            begun = time.monotonic()
            try:
                skipped = clients[name](desk)
                print(f"{name}: skipped: {skipped}" if skipped else f"{name}: done in {time.monotonic() - begun:.1f} s", flush=True)
            except Exception as error:
                failed.append(name)
                print(f"{name}: {type(error).__name__}: {error}", flush=True)
        alive, ended = desk.end()
    finally:
        desk.process.kill()
    if failed or not alive or ended != 0:
        sys.exit(f"failed: {failed}; the server ended with {ended}: {desk.errors.read_text()}")
