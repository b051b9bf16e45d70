"""Verify runs in forks of one process that has imported the heavy packages already: for many models or many small programs.

Same steps and same results as ``ane-lsp verify``, without an interpreter of its own for each model; POSIX only.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ane_lsp.verify import parent, worker, worker_base, worker_run
from ane_lsp.verify.job import Job

PACKAGES = ("torch", "coremltools", "coreai_torch", "transformers", "timm", "torchvision")
_KEPT: dict[str, Any] = {}  # what a prelude made, for as long as the process lives


def start(packages: Iterable[str] = PACKAGES, prelude: str = "") -> None:
    """Import once. prelude: Python that has to run before the packages are imported."""
    os.environ.update({k: v for k, v in parent.environment("/tmp").items() if k != "HOME"})
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    if prelude:
        exec(prelude, _KEPT)
    for name in packages:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _warm_up()


def _warm_up() -> None:
    """Export and convert something small: much is imported only then."""
    import coremltools
    import torch

    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU()).eval()
    sample = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        exported = torch.export.export(module, (sample,)).run_decompositions({})
        coremltools.convert(exported, minimum_deployment_target=coremltools.target.iOS18, skip_model_load=True)
        torch.jit.trace(module, sample)


def run(job: Job) -> parent.Outcome:
    """One job in a fork, ended at its time limit."""
    began = time.monotonic()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        _child(job, write)
    os.close(write)
    data = b""
    stopped = False
    try:
        while True:
            left = began + job.limits.seconds - time.monotonic()
            if left <= 0 or not select.select([read], [], [], left)[0]:
                stopped = True
                break
            chunk = os.read(read, 1 << 20)
            if not chunk:
                break
            data += chunk
    finally:
        os.close(read)
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    results: dict[str, Any] = {}
    for line in data.split(b"\n"):
        if line.startswith(b" {") and line.endswith(b"}"):
            event = json.loads(line)
            results[event["kind"]] = event
    results.pop("progress", None)
    seconds = time.monotonic() - began
    if "failed" in results:
        return parent.Outcome("failed", str(results["failed"].get("message", "")), results, "", seconds)
    if "done" in results:
        return parent.Outcome("done", "", results, "", seconds)
    if stopped:
        return parent.Outcome("timeout", f"stopped after {job.limits.seconds:g} s", results, "", seconds)
    return parent.Outcome(
        "crashed", parent.explain_exit(os.waitstatus_to_exitcode(status), job.limits), results, "", seconds
    )


def _child(job: Job, write: int) -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(quiet, number)
    channel = worker_base.Channel(write, "")
    os.chdir(Path(job.file).parent)
    try:
        worker_run.run(job.to_json(), channel)
        channel.send("done")
    except BaseException as error:
        worker.report_failure(channel, error)
    sys.stdout.flush()
    os._exit(0)
