"""A real JupyterLab with jupyterlab-lsp, in a browser; the server registers itself by its entry point."""

from __future__ import annotations

import importlib.metadata
import json
import os
import secrets
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from real_editors import HERE, drive, environment, publish, require

IMPORTS = "import torch\nfrom torch import nn\n"
NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool = nn.MaxPool2d(9, stride=1, padding=4)

    def forward(self, x):
        return self.pool(x)


Net()(torch.zeros(1, 8, 32, 32))
"""


def entry_point(folder: Path) -> Path:
    """The metadata of this package and nothing else, as if it were installed beside JupyterLab."""
    own = importlib.metadata.distribution("ane-lsp")
    metadata = folder / "site" / f"ane_lsp-{own.version}.dist-info"
    metadata.mkdir(parents=True)
    for name in ("METADATA", "entry_points.txt"):
        (metadata / name).write_text(own.read_text(name) or "")
    return metadata.parent


def notebook() -> str:
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "id": f"cell-{number}", "source": source}
        for number, source in enumerate(("%matplotlib inline\n" + IMPORTS, NET))
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    metadata = {**kernel, "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}}
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


@pytest.mark.timeout(900)
def test_jupyterlab(tmp_path: Path) -> None:
    lab = require("jupyterlab")
    work = tmp_path / "work"
    work.mkdir()
    (work / "model.py").write_text("s = '😀'\n" + IMPORTS + NET, encoding="utf-8")
    (work / "notebook.ipynb").write_text(notebook(), encoding="utf-8")
    env = environment(tmp_path)
    env["PYTHONPATH"] = os.pathsep.join([str(entry_point(tmp_path)), env["PYTHONPATH"]])
    env["JUPYTER_CONFIG_DIR"] = env["JUPYTER_DATA_DIR"] = str(tmp_path / "jupyter")
    quiet = tmp_path / "jupyter" / "labconfig"
    quiet.mkdir(parents=True)
    news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (quiet / "page_config.json").write_text(json.dumps(news))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    arguments = [
        str(lab), "--no-browser", "--allow-root", f"--port={port}", f"--ServerApp.root_dir={work}",
        f"--IdentityProvider.token={token}", "--ServerApp.port_retries=0", "--LabApp.news_url=None",
    ]  # fmt: skip
    with (tmp_path / "lab.log").open("wb") as log:
        process = subprocess.Popen(arguments, cwd=work, env=env, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            assert process.poll() is None, (tmp_path / "lab.log").read_text()
            try:
                urllib.request.urlopen(f"{url}/api?token={token}", timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        shots = tmp_path / "shots"
        assert drive(HERE / "jupyterlab_e2e.mjs", url, token, shots, timeout=600).count("ok  ") >= 4
        publish("jupyterlab", shots, "notebook")
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        print((tmp_path / "lab.log").read_text()[-3000:])
