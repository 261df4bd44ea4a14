"""Write docs/scale.md: what a billion pictures take, computed from docs/results/everyday/distributed_run.json.

python scripts/scale_page.py
"""

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
RESULTS = "results/everyday/distributed_run.json"

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


def text(run: dict[str, Any]) -> str:
    """The page."""
    one, two = run["speed"]
    rate = one["pictures_per_second"]
    hours = PICTURES / rate / 3600
    lists = 2 * PICTURES / PAGE
    stored = run["bytes_before"] / run["pictures"], run["outputs"]["bytes"] / run["outputs"]["files"]
    memory = run["faults"]["most_mb"]
    asked = run["requests_of_the_run_with_faults"]
    puts, gets = PICTURES * PUT_AND_LIST, PICTURES * GET
    out = KEPT_PER_THREAD * 1000
    twice = f"{two['pictures_per_second']:.1f}, {run['two_workers_against_one']:.2f} times as many"
    return f"""# Beyond one machine, in figures

`python scripts/scale_page.py` writes this page from `docs/{RESULTS}`, measured on
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


def _requests(asked: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {method}" for method, count in sorted(asked.items()))


def main() -> None:
    run = json.loads((DOCS / RESULTS).read_text(encoding="utf-8"))
    (DOCS / "scale.md").write_text(text(run), encoding="utf-8")


if __name__ == "__main__":
    main()
