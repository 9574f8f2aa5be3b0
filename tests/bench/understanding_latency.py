"""Measure time and memory of reading messages: python -m tests.bench.understanding_latency

Every sentence of every pack, in the scope of its country, after one round of warming up.
"""

import resource
import time

from bot.understanding import understand
from bot.understanding.packs import names, sentences
from bot.understanding.trial import context, region_of


def main() -> None:
    """Print the median, the 95th percentile and the memory added by packs and weights."""
    rows = [
        (s.text, context(s.state, region_of(name)))
        for name in names()
        for file in ("tests", "examples")
        for s in sentences(name, file)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for text, where in rows[::7]:
        understand(text, where)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = []
    for text, where in rows:
        start = time.process_time()
        understand(text, where)
        taken.append(1e3 * (time.process_time() - start))
    taken.sort()
    middle, most, nearly = (taken[int(len(taken) * share)] for share in (0.5, 0.95, 0.99))
    middle, most, nearly = (taken[int(len(taken) * share)] for share in (0.5, 0.95, 0.99))
    print(f"{len(rows)} messages: median {middle:.3f} ms, p95 {most:.3f} ms, p99 {nearly:.3f} ms of processor time")
    print(f"memory added by all packs and the weights: {(after - before) / 1024:.1f} MB")


if __name__ == "__main__":
    main()
