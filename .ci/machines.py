"""Machines that run Casebook on a store in a bucket or in a folder, and the events that they ingest. `.ci/objects` and `.ci/cluster` use
it."""

import collections
import concurrent.futures
import dataclasses
import json
import os
import re
import shlex
import subprocess
import threading
import time

# Seconds within which a condition must come true.
WAIT = 300

PREFIX = "care/desk"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE"
# Exit codes: done, done and there is something to look at, not done.
DONE, ATTENTION, NOT_DONE = 0, 1, 2
# Columns that state when something arrived.
OF_ARRIVAL = {"ingested_at", "batch"}


class Failed(Exception):
    """Something that must hold does not."""


def check(what, found, expected):
    if found != expected:
        texts = repr(found), repr(expected)
        # Where they begin to differ, with something before it.
        begin = max(len(os.path.commonprefix(texts)) - 200, 0)
        raise Failed("{}: {}, expected {}".format(what, *(shortened(text, begin) for text in texts)))


def shortened(text, begin):
    return f"{'…' * (begin > 0)}{text[begin:begin + 1500]}{'…' * (begin + 1500 < len(text))}"


def at_once(*functions):
    """Runs functions at the same time; gives what they gave, in their order."""
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return [running.result() for running in [pool.submit(function) for function in functions]]


@dataclasses.dataclass
class Ran:
    command: str
    code: int
    out: str
    err: str
    seconds: float

    def failed(self, why):
        return Failed(f"{why}\n$ {self.command}\nexit code {self.code} after {self.seconds:.1f} s\n{self.err[-3000:]}\n{self.out[-1000:]}")


class Machine:
    """A project whose store is in a bucket, or in a folder without one."""

    def __init__(self, checks, name, bucket=None, by_variable=False, **variables):
        self.program, self.key = checks.program, f"AKIA{name.upper()}"
        # What is before the program in a command.
        self.before = []
        self.folder = checks.folder / (bucket or "folder") / name
        self.folder.mkdir(parents=True)
        self.store = f"s3://{bucket}/{PREFIX}" if bucket else "store"
        # How the program may name the store.
        self.place = self.store if bucket else str(self.folder / self.store)
        # Nothing of the caller's own settings.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CASEBOOK_"))}
        self.environment = kept | variables
        if by_variable:
            self.environment["CASEBOOK_STORE"] = self.store
        else:
            (self.folder / "casebook.toml").write_text(f'store = "{self.store}"\n')
        if bucket:
            self.environment |= {
                "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
                "AWS_ENDPOINT": checks.storage.url, "CASEBOOK_COPIES": str(self.folder / "copies"),
            }

    def start(self, *arguments):
        command = [*self.before, self.program, *arguments]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)
        process.begun = time.monotonic()
        return process

    def end(self, process, codes=(DONE,), limit=WAIT):
        """Waits until a process ends, with one of those codes."""
        command = f"{shlex.join(map(str, process.args))}   # store {self.store}, folder {self.folder.name}"
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Ran(command, process.returncode, out, err, limit).failed(f"not ended within {limit} s") from None
        ran = Ran(command, process.returncode, out, err, time.monotonic() - process.begun)
        if SECRET in out + err:
            raise ran.failed("the secret key is in the output")
        if ran.code not in codes:
            raise ran.failed(f"expected exit code {' or '.join(map(str, codes))}")
        return ran

    def run(self, *arguments, codes=(DONE,), limit=WAIT):
        return self.end(self.start(*arguments), codes, limit)

    def summary(self, *arguments, codes=(DONE,)):
        """The counts that a command states, without its seconds."""
        counts = json.loads(self.run(*arguments, "--summary", "json", codes=codes).out.splitlines()[-1])
        return {name: count for name, count in counts.items() if name != "seconds"}

    def ingest(self, *files, codes=(DONE,)):
        return self.summary("ingest", *map(str, files), codes=codes)

    def rows(self, query, *flags):
        return [json.loads(line) for line in self.run("sql", "--format", "ndjson", *flags, query).out.splitlines()]

    def ids(self):
        """The ids of all events; none may be there twice."""
        ids = [row["id"] for row in self.rows("SELECT id FROM events")]
        check(f"events that {self.store} has twice", [name for name, count in collections.Counter(ids).items() if count > 1], [])
        return set(ids)

    def tables(self, *flags):
        """All rows of all tables and views, without what states when they arrived."""
        names = [row["table_name"] for row in self.rows("SELECT DISTINCT table_name FROM information_schema.tables WHERE table_schema = 'public'")]
        found = {name: [] for name in names}
        for row in self.rows("; ".join(f"SELECT '{name}' AS of_table, * FROM \"{name}\"" for name in sorted(names)), *flags):
            kept = {name: value for name, value in row.items() if name not in OF_ARRIVAL | {"of_table"}}
            found[row["of_table"]].append(json.dumps(kept, sort_keys=True))
        return {name: sorted(rows) for name, rows in found.items()}

    def sound(self):
        """Every file and event is as it was written, and the facts are those of a full replay."""
        self.run("store", "check")
        self.run("replay", "--compare")


def same_tables(what, found, expected):
    check(f"{what}: tables", sorted(found), sorted(expected))
    for name, rows in expected.items():
        surplus, missing = [list((collections.Counter(a) - collections.Counter(b)).elements()) for a, b in ((found[name], rows), (rows, found[name]))]
        if surplus or missing:
            raise Failed(f"{what}: `{name}` has {len(surplus)} rows too many and {len(missing)} are missing:\n{surplus[:2]}\n{missing[:2]}")


def same_metrics(folder, other, range, *flags):
    """Every metric over that range; those that cannot be cut like that fail on both."""
    names = [row["metric"] for row in json.loads(folder.run("metric", "--format", "json").out)]

    def numbers(machine):
        ran = [machine.run("metric", name, "--range", range, "--format", "csv", *flags, codes=(DONE, NOT_DONE)) for name in names]
        return [(one.code, one.out, one.err if one.code == NOT_DONE else "") for one in ran]

    of_folder = numbers(folder)
    for name, found, expected in zip(names, numbers(other), of_folder):
        check(f"metric {name} {flags}", found, expected)
    return sum(code == DONE for code, _, _ in of_folder)


def same_reports(range, *machines):
    """The files of a report, byte by byte, but for what names the store."""
    pages = []
    for machine in machines:
        machine.run("report", "overview", "--range", range, "--format", "html,json,csv", "-o", "pages")
        machine.run("verify", "pages/overview.manifest.json")
        files = {path.name: path.read_bytes() for path in (machine.folder / "pages").iterdir()}
        pages.append({name: content.replace(machine.place.encode(), b"STORE") for name, content in files.items()})
    for found in pages[1:]:
        check("files of the report", sorted(found), sorted(pages[0]))
        check("files of the report that differ", [name for name, content in found.items() if content != pages[0][name]], [])
    return len(pages[0])


class Checks:
    """What the parts share: the program, a folder, the storage, random numbers."""

    def __init__(self, program, folder, storage, options):
        self.program, self.folder, self.storage = program, folder, storage
        self.proxy, self.kills, self.seed = storage.proxy, options.kills, options.seed
        (folder / "events").mkdir()

    def bucket(self, name):
        self.storage.client.create_bucket(Bucket=name)
        return name

    def file(self, name, lines):
        path = self.folder / "events" / f"{name}.ndjson"
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def commits(self, bucket):
        """The names of the commits of the log by their versions."""
        names = [re.search(r".*/events/_delta_log/(\d{20})\.json$", name) for name in self.storage.objects(bucket)]
        return {int(name[1]): name[0] for name in names if name}

    def newest_commit(self, bucket):
        return max(self.commits(bucket))

    def data_files(self, bucket):
        """The files that the newest version of the log has, sorted."""
        files = set()
        for _, name in sorted(self.commits(bucket).items()):
            for line in self.storage.client.get_object(Bucket=bucket, Key=name)["Body"].read().splitlines():
                action = json.loads(line)
                if "add" in action:
                    files.add(action["add"]["path"])
                elif "remove" in action:
                    files.discard(action["remove"]["path"])
        return sorted(files)


def event(batch, number, kind, **data):
    minute = f"2026-05-04T{8 + number // 50:02}:{number % 50:02}:00Z"
    fields = {"id": f"{batch}-{number}", "source": "objects", "type": kind, "subject": f"C-{batch}-{number // 4}", "time": minute, "data": data}
    return json.dumps(fields)


def events(batch, count=12):
    """Cases that are created, answered and resolved."""
    lines = []
    for number in range(count):
        message = f"{batch}-{number}"
        kinds = [
            ("case.created", {"customer": batch}), ("message.received", {"message": message, "text": "where is it?"}),
            ("message.sent", {"message": message, "by": "ana", "text": "on its way"}), ("case.status_changed", {"status": "done", "by": "ana"}),
        ]
        kind, data = kinds[number % len(kinds)]
        lines.append(event(batch, number, kind, **data))
    return lines


def ids_of(lines):
    return {json.loads(line)["id"] for line in lines}


class Batches:
    """Files that were begun, and which of them were acknowledged."""

    def __init__(self, checks):
        self.checks, self.lock, self.begun, self.acknowledged = checks, threading.Lock(), {}, set()

    def begin(self, name):
        lines = events(name)
        with self.lock:
            self.begun[name] = ids_of(lines)
        return self.checks.file(name, lines)

    def acknowledge(self, name):
        with self.lock:
            self.acknowledged.add(name)

    def judge(self, ids):
        """The batches that are there: each whole, and each that was acknowledged."""
        present = {name for name, of_batch in self.begun.items() if of_batch <= ids}
        check("events of batches in part", ids - set().union(*(self.begun[name] for name in present)), set())
        check("acknowledged batches that are gone", self.acknowledged - present, set())
        return present


def arrives(rule, process, machine):
    """Waits until a request of the process is at the proxy."""
    end = time.monotonic() + WAIT
    while not rule.arrived.wait(0.05):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise machine.end(process, range(-64, 256)).failed(f"no request has come for {rule.method} {rule.path}")


def until_done(machine, *arguments, tries=8):
    """Runs a command until it succeeds; gives how often it has failed, and its counts. Each failure has a clear text."""
    for failures in range(tries):
        ran = machine.run(*arguments, "--summary", "json", codes=(DONE, NOT_DONE))
        if ran.code == DONE:
            return failures, json.loads(ran.out.splitlines()[-1])
        if not re.search(r"^error: \S.{15,}", ran.err, re.M) or "panicked" in ran.err:
            raise ran.failed("an error without a clear text")
    raise ran.failed(f"failed {tries} times")
