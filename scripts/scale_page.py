"""Write docs/scale.md: what a billion pictures take, what a worker takes, and training on .isth files, all computed
from measured figures in docs/results/everyday; of those that are not there the page has nothing.

python scripts/scale_page.py
"""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = "results/everyday"
SETS = {
    "isth": ".isth, quality {quality}",
    "jpeg_of_equal_bytes": "JPEG, quality {quality}",
    "jpeg": "JPEG, quality {quality}",
    "png": "PNG",
}

# Stated public prices, US dollars, of a large store in its first region; an example, not an offer.
PUT_AND_LIST = 0.005 / 1000
GET = 0.0004 / 1000
CORE_HOUR = 0.04
GIGABYTE_MONTH = 0.023

PICTURES = 10**9
PAGE = 1000
"""Names that one request lists."""
KEPT_PER_THREAD = 3 * 16
"""Pictures that are out for each thread of a worker, at most: tasks times pictures a task."""


def text(results: Path) -> str:
    """The page, of the figures in a folder."""
    parts = {"distributed_run.json": _run, "worker_memory.json": memory_part, "classifier.json": classifier_part}
    found = {name: results / name for name in parts if (results / name).exists()}
    return "\n".join(parts[name](json.loads(path.read_text(encoding="utf-8"))) for name, path in found.items())


def _run(run: dict[str, Any]) -> str:
    one, two = run["speed"]
    rate = one["pictures_per_second"]
    hours = PICTURES / rate / 3600
    lists = 2 * PICTURES / PAGE
    stored = run["bytes_before"] / run["pictures"], run["outputs"]["bytes"] / run["outputs"]["files"]
    memory = run["faults"]["most_mb"]
    working = [one["mb"]["worker 1"] for one in run["faults"]["over_time"] if one["pictures"]]
    asked = run["requests_of_the_run_with_faults"]
    puts, gets = PICTURES * PUT_AND_LIST, PICTURES * GET
    out = KEPT_PER_THREAD * 1000
    twice = f"{two['pictures_per_second']:.1f}, {run['two_workers_against_one']:.2f} times as many"
    return f"""# Beyond one machine, in figures

`python scripts/scale_page.py` writes this page from `docs/{RESULTS}`. The run was measured on
{run["machine"]}, whose cores the workers shared with the store, and with other work (load
{run["load_of_others_before"]} before it began): a quiet machine is faster. The model is `{run["model"]}`, the pictures
are of {run["pixels"]} pixels; larger ones take longer, and the same requests.

## Measured

| | |
| --- | ---: |
| pictures a second, one worker | {rate:.1f} |
| pictures a second, two workers | {twice} |
| most memory of the client | {memory["client"]} MB |
| of the scheduler | {memory["scheduler"]} MB |
| of a worker and its nanny | {max(memory["worker 0"], memory["worker 1"])} MB |
| bytes of a picture, before and after | {stored[0]:,.0f} and {stored[1]:,.0f} |
| requests of {run["pictures"]:,} pictures, a worker and the client killed | {_requests(asked)} |

The worker that was not killed grew from {working[0]} to {working[-1]} MB. Nearly all of that are samples that Dask
takes of a busy worker's stack a hundred times a second, for its dashboard. It keeps those of a thousand seconds, so the
growth ends there: the run took little less. Workers with `DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False` in their
environment take none, and `--cluster local` starts its own so.

## A billion such pictures

| | |
| --- | ---: |
| listing source and target, {PAGE:,} names a request | {lists:,.0f} requests, ${lists * PUT_AND_LIST:,.0f} |
| reading, one request a picture | ${gets:,.0f} |
| writing, one request a picture | ${puts:,.0f} |
| work | {hours:,.0f} worker-hours, ${hours * CORE_HOUR:,.0f} |
| on 1,000 workers | {hours / 1000:,.1f} hours |
| storage saved | ${PICTURES * (stored[0] - stored[1]) / 1e9 * GIGABYTE_MONTH:,.0f} a month |
| resuming when all is done | {lists:,.0f} requests, ${lists * PUT_AND_LIST:,.0f}; one file in a thousand is opened |

Prices: ${PUT_AND_LIST * 1000:g} for a thousand writes or lists, ${GET * 1000:g} for a thousand reads,
${CORE_HOUR:g} a core-hour, ${GIGABYTE_MONTH:g} a GB and month: an example, as large stores ask in their first region.

## What limits it

- **The client lists**, a page after another, and hands out work as it goes. Where a listing is slower than the workers,
  start several clients, each with a folder of its own.
- **The scheduler** holds what is out, {KEPT_PER_THREAD} small pictures for each thread at most: for 1,000 workers
  {out:,} names in {3 * 1000:,} tasks, whatever the size of the tree. The same bound holds for the client.
- **Weights** travel with the package. A model that is not in it goes to each worker once.
- **A store's latency** is waited for by the worker that asks. Workers of two threads (`dask worker --nthreads 2`) work
  on one picture while they wait for another; large ones wait for each other by the worker's memory limit.
- **Of stores that are no S3** the client holds a folder's listing at a time, of S3 a page.
"""


def memory_part(measured: dict[str, Any]) -> str:
    """What benchmarks/worker_memory.py measured."""
    sampled, plain = (measured["mb_after_rounds"][name] for name in ("sampled", "not_sampled"))
    pictures = measured["pictures_of_a_round"] * (len(sampled) - 1)
    one = measured["large_beside_small"]
    large, small = one["large"], one["done"] - one["large"]["pictures"]
    return f"""## A worker by itself

Measured on {measured["machine"]}, at a load of {measured["load_of_others_before"]}; MB of the worker's process alone.

| | after the first {measured["pictures_of_a_round"]} | {pictures:,} pictures later |
| --- | ---: | ---: |
| a worker as Dask starts it | {sampled[0]:.0f} MB | {sampled[-1]:.0f} MB |
| with `DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False` | {plain[0]:.0f} MB | {plain[-1]:.0f} MB |

Large pictures wait for each other by the worker's memory limit, before their pixels are read. {large["pictures"]} of
{large["pixels"]} pixels, some {large["mb_that_one_takes"]:.0f} MB each while they are encoded, and {small} thumbnails
on a worker of {one["threads"]} threads and {one["limit_mb"]:.0f} MB: it took {one["most_mb"]:.0f} MB at most,
{one["mb_before"]:.0f} MB of that before it began; {one["done"]} were encoded, {one["failed"]} failed.
"""


def classifier_part(made: dict[str, Any]) -> str:
    """What benchmarks/train_classifier.py measured."""
    sets = made["sets"]
    rows = "\n".join(f"| {SETS[name].format(**one)} | {_measured(one)} |" for name, one in sets.items())
    return f"""## Training on it

`benchmarks/train_classifier.py` reads a set by `isthmus.datasets.IsthFolder`, trains a small network that tells
{made["classes"]} photographs apart by windows of {made["pixels"]} pixels, and does the same with the same pictures as
JPEG and PNG: {made["pictures"]["train"]:,} to learn from, {made["pictures"]["test"]:,} others to test, {made["epochs"]}
epochs, {made["seeds"]} seeds. Measured on {made["machine"]}.

| stored as | bytes a picture | read in a second of one core | accuracy | of the seeds |
| --- | ---: | ---: | ---: | ---: |
{rows}

Chance is {1 / made["classes"]:.1%}. What is read slowly is decoded once and kept, as here, or decoded ahead by several
processes (`DataLoader(..., num_workers=...)`, `IsthFolder.stream`).
"""


def _measured(one: dict[str, Any]) -> str:
    """The cells of a set."""
    found = one["accuracies"]
    cells = [f"{one['bytes_per_picture']:,.0f}", f"{one['pictures_per_processor_second']:,.0f}"]
    return " | ".join([*cells, f"{one['accuracy']:.1%}", f"{min(found):.1%} to {max(found):.1%}"])


def _requests(asked: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {method}" for method, count in sorted(asked.items()))


def main() -> None:
    (DOCS / "scale.md").write_text(text(DOCS / RESULTS), encoding="utf-8")


if __name__ == "__main__":
    main()
