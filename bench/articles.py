"""How long a folder of articles takes to be read and cut into passages and their pieces, without encoding them.

Two checkouts are compared by alternating runs in one session, as the machine's speed drifts:
`python -m bench.articles KB --beside ../before` prints both medians and their ratio.
"""

import gc
import statistics
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path

from retrieval.articles import cut, read

ROOT = Path(__file__).resolve().parent.parent


def measure(kb: Path) -> float:
    """Seconds from files to pieces; the caches of parsers are warm."""
    articles = read(kb).articles
    cut(articles[0])
    gc.collect()
    started_s = time.process_time()
    for article in read(kb).articles:
        cut(article)
    return time.process_time() - started_s


def _elsewhere(checkout: Path, kb: Path) -> float:
    """The same in a fresh process of a checkout; this file is run there, as the other one may not have it yet."""
    script = f"from runpy import run_path; from pathlib import Path; print(run_path({str(__file__)!r})['measure'](Path({str(kb)!r})))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=checkout,
        env={"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("kb", type=Path, nargs="?", default=ROOT / "kb_articles", help="folder (default %(default)s)")
    parser.add_argument("--beside", type=Path, help="another checkout to compare with")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    checkouts = [ROOT, args.beside.resolve()] if args.beside else [ROOT]
    times: dict[Path, list[float]] = {checkout: [] for checkout in checkouts}
    for _ in range(args.rounds):
        for checkout in checkouts:
            times[checkout].append(_elsewhere(checkout, args.kb.resolve()))
    for checkout, taken in times.items():
        print(f"{checkout}: median {statistics.median(taken):.3f} s CPU, {min(taken):.3f} to {max(taken):.3f}")
    if args.beside:
        print(f"ratio of medians: {statistics.median(times[ROOT]) / statistics.median(times[checkouts[1]]):.3f}")


if __name__ == "__main__":
    main()
