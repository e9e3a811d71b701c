"""Programs that are timed: a command, what it took, and what it said of itself."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """A contestant: the name of its line in the tables, and how it is run."""

    name: str
    command: tuple
    environment: dict = field(default_factory=dict, hash=False, compare=False)
    # Run before each measurement, outside of the time.
    before: callable = field(default=None, hash=False, compare=False)
    # It takes so long that one round must do.
    slow: bool = False


def measure(program, log):
    """Seconds from start to end, process start included, the largest memory, and what was reported.

    The last line of the output may be a JSON object; what it holds is part of the measurement. A
    program that fails gives `{"failed": …}`, and the bench goes on without it.
    """
    if program.before:
        program.before()
    command = [str(part) for part in program.command]
    with open(log, "a", encoding="utf-8") as errors:
        print("$", *command, file=errors, flush=True)
        started = time.perf_counter()
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=os.environ | program.environment, text=True
        )
        output = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        reason = (Path(log).read_text(encoding="utf-8").strip().splitlines() or [""])[-1]
        print(f"  {program.name}: failed with {child.returncode}: {reason}", file=sys.stderr)
        return {"failed": f"exit status {child.returncode}"}
    # The system counts in KiB, except on macOS, in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"seconds": seconds, "megabytes": used.ru_maxrss * unit / 1e6} | reported(output)


def reported(output):
    text = output.strip()
    for candidate in (text, text.rpartition("\n")[2]):
        try:
            found = json.loads(candidate)
        except json.JSONDecodeError:
            continue
        if isinstance(found, dict):
            return found
    return {}


class Results:
    """Measurements kept in a file from run to run, so that a bench goes on where it stopped."""

    def __init__(self, path):
        self.path = path
        self.rows = json.loads(path.read_text()) if path.exists() else {}

    def of(self, row):
        """`{table: {program: [measurement, …]}}` of a row."""
        return self.rows.setdefault(row, {})

    def forget(self, row):
        self.rows.pop(row, None)

    def measure(self, row, table, programs, rounds, log):
        """Every program so many times, one after the other in each round, so that a machine that
        is slower for a while is slower for all."""
        kept = self.of(row).setdefault(table, {})
        for turn in range(rounds):
            for program in programs:
                samples = kept.setdefault(program.name, [])
                enough = len(samples) > turn or (program.slow and samples)
                if enough or any("failed" in sample for sample in samples):
                    continue
                print(f"({row}) {table}: {program.name} …", file=sys.stderr)
                samples.append(measure(program, log))
                self.save()

    def save(self):
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(self.rows, indent=1))
        beside.replace(self.path)
