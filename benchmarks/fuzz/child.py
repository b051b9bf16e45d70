"""One process of the fuzzer: ``python -m benchmarks.fuzz.child TARGET FOLDER SECONDS``; started by ``__main__``.

Faults do not end the process: each is written down once, by where it was raised, and fuzzing goes on. An input that takes
too much processor time is written down as a hang and ends it, because its thread cannot be stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

import atheris

from ane_lsp.analysis import analyze  # noqa: F401 - what it imports lazily is instrumented below all the same

KEPT_STATS = 5.0  # seconds between two writings of how far it got


def place(error: BaseException) -> str:
    """Where an exception came from, in our own code: the name of its fault."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "ane_lsp" in f.filename] or frames
    return f"{type(error).__name__} {own[-1].filename.rpartition('ane_lsp/')[2]} {own[-1].name}"


def main() -> None:
    """Fuzz until the time is over."""
    name, folder, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with atheris.instrument_imports(include=["ane_lsp"]):
        import ane_lsp.fixes
        import ane_lsp.server.app
        import ane_lsp.server.lifecycle
        import ane_lsp.stored  # noqa: F401
        from benchmarks.fuzz.targets import TARGETS

        target = TARGETS[name]
        for seed in target.seeds()[:3]:
            try:
                target.run(seed)  # what is imported late is instrumented too
            except Exception:
                continue
    found, stats = folder / "found", folder / "stats.json"
    known = {path.stem for path in found.glob("*.txt")}
    state: dict[str, Any] = {"runs": 0, "data": b"", "saved": time.monotonic()}

    def note(kind: str, text: str, data: bytes) -> None:
        stem = hashlib.sha256(kind.encode()).hexdigest()[:12]
        if stem not in known:
            known.add(stem)
            (found / f"{stem}.bin").write_bytes(data)
            (found / f"{stem}.txt").write_text(f"{kind}\n{text}", encoding="utf-8", errors="backslashreplace")

    def too_long(number: int, frame: FrameType | None) -> None:
        stacks = ["".join(traceback.format_stack(f)[-25:]) for f in sys._current_frames().values()]
        busy = max(stacks, key=lambda text: text.count("ane_lsp/"))
        last = [line for line in busy.splitlines() if "ane_lsp" in line][-1:]
        note(f"hang {last}", "\n\n".join(stacks), bytes(state["data"]))
        stats.write_text(json.dumps({"runs": state["runs"]}))
        os._exit(77)

    signal.signal(signal.SIGPROF, too_long)

    def one(data: bytes) -> None:
        state["data"] = data
        state["runs"] += 1
        signal.setitimer(signal.ITIMER_PROF, target.seconds)
        try:
            target.run(data)
        except Exception as error:
            kind = str(error) if isinstance(error, AssertionError) else ""
            note(f"{place(error)} {kind[:60]}", traceback.format_exc(), data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if time.monotonic() - state["saved"] > KEPT_STATS:
            state["saved"] = time.monotonic()
            stats.write_text(json.dumps({"runs": state["runs"]}))

    def mutate(data: bytes, size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if target.mutate is None or chance.random() < target.raw:
            return bytes(atheris.Mutate(data, size))
        return target.mutate(data, chance)[:size]

    arguments = [sys.argv[0], str(folder / "corpus"), f"-max_total_time={seconds}", f"-artifact_prefix={found}/",
                 "-timeout=3000", "-rss_limit_mb=4000", f"-max_len={target.length}", "-verbosity=1", "-print_final_stats=1",
                 "-reload=0", "-detect_leaks=0", "-len_control=0"]  # fmt: skip
    atheris.Setup(arguments, one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
