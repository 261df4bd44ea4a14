"""Memory that threads have freed goes back to the system."""

import subprocess
import sys

import pytest

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only there the allocator has to be asked")

SCRIPT = """
import sys, threading
from isthmus.memory import give_back

def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))

kept = []

def work():
    # Pieces too small to be mapped one by one; the last one holds the heap up.
    pieces = [b"x" * 100_000 for _ in range(600)]
    kept.append(pieces[-1])

thread = threading.Thread(target=work)
thread.start()
thread.join()
before = resident()
give_back(more_than=100_000_000)
print(before - resident())
give_back(more_than=30_000_000)
print(before - resident())
"""


ONE_HEAP = """
import sys, threading
from isthmus.memory import share_heap

def heap():
    ranges = [line.split()[0].split("-") for line in open("/proc/self/maps") if line.endswith("[heap]\\n")]
    return sum(int(end, 16) - int(begin, 16) for begin, end in ranges)

if sys.argv[1] == "shared":
    share_heap()
before = heap()
thread = threading.Thread(target=lambda: kept.append([b"x" * 100_000 for _ in range(600)]))
kept = []
thread.start()
thread.join()
print(heap() - before)
"""


@ON_LINUX
def test_threads_share_a_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    grown = {}
    for how in ("shared", "apart"):
        run = subprocess.run([sys.executable, "-c", ONE_HEAP, how], capture_output=True, text=True, check=True)
        grown[how] = int(run.stdout)
    assert grown["apart"] < 1_000_000 < 55_000_000 < grown["shared"]  # bytes, of 60 MB


@ON_LINUX
def test_what_is_free_is_given_back() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, given = map(int, run.stdout.split())
    assert kept < 1_000 < 30_000 < given  # KiB, of 60 MB
