"""What the programs of this folder share: DuckDB's Python, measuring a command, and the files that both engines read."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time


# The built-in dashboards.
BOARDS = ["overview", "case-management", "service-level", "agents", "messages", "supervisor-weekly"]


def memory_mib(process):
    """MiB that a process has now, and that it had at most."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", status).group(1)) // 1024 for name in ("VmRSS", "VmHWM"))


def environment(folder):
    """A Python that has DuckDB: this one, or a temporary one with DuckDB from PyPI."""
    try:
        import duckdb  # noqa: F401
        return pathlib.Path(sys.executable)
    except ImportError:
        home = folder / "python"
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([home / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "duckdb", "pytz"], check=True)
        return home / "bin/python"


def measure(command, stdout=subprocess.DEVNULL, accepted=(0, 1)):
    """Wall seconds and peak memory in MiB of a command. Of Casebook's, 1 means that there is something to look at, not that the
    work was not done."""
    begun = time.monotonic()
    child = subprocess.Popen(list(map(str, command)), stdout=stdout, stderr=subprocess.PIPE)
    talk = child.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in accepted:
        sys.exit(f"error: {' '.join(map(str, command))} ended with {child.returncode}\n{talk}")
    return seconds, usage.ru_maxrss / 1024


def files_of_facts(store, table):
    """The files of a table of facts after a full replay, which leaves one layer."""
    [layer] = json.loads((store / "facts" / "current.json").read_text())["layers"]
    return [str(store / "facts" / table / file["name"]) for file in layer["files"][table]]


def files_of_log(store):
    """The files of the log: those that its commits added and did not remove."""
    files = {}
    for commit in sorted((store / "events" / "_delta_log").glob("*.json")):
        for line in commit.read_text().splitlines():
            action = json.loads(line)
            files.update({action[name]["path"]: name == "add" for name in ("add", "remove") if name in action})
    return [str(store / "events" / path) for path, is_there in files.items() if is_there]
