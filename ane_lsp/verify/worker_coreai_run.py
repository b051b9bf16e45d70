"""Executes a saved Core AI program: ``python worker_coreai_run.py FOLDER`` reads FOLDER/in.npz and writes FOLDER/out.npz."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any


async def _execute(folder: Path) -> None:
    numpy: Any = importlib.import_module("numpy")
    runtime: Any = importlib.import_module("coreai.runtime")
    authoring: Any = importlib.import_module("coreai.authoring")
    with numpy.load(folder / "in.npz") as file:
        given = {name: runtime.NDArray(file[name]) for name in file.files}
    async with authoring.AIModelAsset.load(folder / "model.aimodel").executable() as loaded:
        found = await loaded.load_function("main")(given)
    arrays = {name: numpy.asarray(v.numpy() if hasattr(v, "numpy") else v) for name, v in found.items()}
    numpy.savez(folder / "out.npz", **arrays)


if __name__ == "__main__":
    asyncio.run(_execute(Path(sys.argv[1])))
