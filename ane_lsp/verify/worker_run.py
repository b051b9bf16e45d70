"""In the worker: from a job to results, step by step. Whatever the user's code raises becomes a message with its place."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from pathlib import Path
from typing import Any

from ane_lsp.verify.job import Job, from_json
from ane_lsp.verify.worker_base import Channel, Failed, need
from ane_lsp.verify.worker_frames import user_frames

PACKAGES = ("torch", "coremltools", "numpy", "coreai-torch", "coreai-core", "torchvision", "timm", "transformers")


def run(request: dict[str, Any], channel: Channel) -> None:
    """Load, convert, compute; send each result as soon as it is there. Raises Failed."""
    job = from_json(request)
    found = versions()
    channel.send(
        "versions", python=sys.version.split()[0], executable=sys.executable, packages=found, notes=known_bad(found)
    )
    channel.progress(1, "importing torch")
    backends = {"coreml": "coremltools", "coreai": "coreai_torch"}
    torch = need(*(module for name, module in backends.items() if name in job.backends), "torch")
    from ane_lsp.verify import worker_model

    torch.manual_seed(0)
    if hasattr(torch.backends, "mha"):  # the fused path of nn.TransformerEncoder has no conversion
        torch.backends.mha.set_fastpath_enabled(False)
    channel.progress(8, "building the model")
    with user_code(job):
        model = worker_model.load(job)
    channel.send("model", **model.describe())
    channel.progress(20, "running the model once in fp32")
    with user_code(job):
        expected = model.reference()
    if "coreml" in job.backends:
        need("coremltools")
        from ane_lsp.verify import worker_apple, worker_convert

        began = time.monotonic()
        converted = worker_convert.convert(model, job, lambda share, text: channel.progress(25 + 40 * share, text))
        channel.send("program", seconds=round(time.monotonic() - began, 2), **converted.described)
        feed = dict(zip(converted.described["inputs"], model.arrays()))
        if "mil" in job.backends:
            from ane_lsp.verify import worker_emulate

            channel.progress(65, "computing the converted program")
            channel.send(
                "mil",
                **worker_emulate.execute(
                    converted.model._mil_program, feed, expected, converted.locate,
                    lambda s: channel.progress(65 + 7 * s, "computing the converted program"),
                ),
            )  # fmt: skip
        if worker_apple.available():
            channel.progress(72, "asking Core ML for its plan")
            channel.send("plan", **worker_apple.inspect(converted.model, feed))
    if "numbers" in job.backends:
        from ane_lsp.verify import worker_numbers

        channel.progress(72, "emulating fp16")
        with user_code(job):
            channel.send(
                "numbers",
                **worker_numbers.compare(model, expected, lambda s: channel.progress(72 + 20 * s, "emulating fp16")),
            )
    if "coreai" in job.backends:
        from ane_lsp.verify import worker_coreai

        channel.progress(93, "Core AI")
        worker_coreai.execute(
            model, expected, job.limits.seconds / 3,
            lambda runs: channel.send("coreai", message="executed on the CPU of this machine", runs=runs),
        )  # fmt: skip
    channel.progress(100, "done")


def versions() -> dict[str, str | None]:
    """Installed versions of what matters, None where absent."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _release(version: str | None) -> tuple[int, ...]:
    parts: list[int] = []
    for part in (version or "").split("+")[0].split("."):
        digits = "".join(c for c in part if c.isdigit())
        if not part[:1].isdigit() or not digits:
            break
        parts.append(int(digits))
    return tuple(parts)


def known_bad(found: dict[str, str | None]) -> list[str]:
    """Pairs of versions that are known to fail, said before they do."""
    notes = []
    core_ml, numpy, torch = (_release(found.get(name)) for name in ("coremltools", "numpy", "torch"))
    if core_ml[:2] == (9, 0) and numpy >= (2, 4):
        notes.append(
            f"numpy {found['numpy']} breaks conversions with coremltools {found['coremltools']} (only 0-dimensional arrays can be "
            "converted to Python scalars); install numpy<2.4"
        )
    if torch and torch < (2, 1):
        notes.append(f"torch {found['torch']} has no usable torch.export; only the trace path is tried")
    return notes


class user_code:
    """Turns what the user's code raises into Failed, with the place in their file."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, (Failed, MemoryError)):
            return
        if "allocate memory" in str(error) or "not enough memory" in str(error):
            raise MemoryError from error
        frames: list[tuple[str, int, str]] = []
        while trace is not None:
            code = trace.tb_frame.f_code
            frames.append((code.co_filename, trace.tb_lineno, code.co_name))
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and error.filename:
            frames.append((error.filename, error.lineno or 1, "<module>"))
        own = user_frames(frames)
        where = f" ({Path(own[-1][0]).name}:{own[-1][1]})" if own else ""
        what = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        raise Failed("user", f"{type(error).__name__}: {what}{where}", frames=own, type=type(error).__name__) from error
