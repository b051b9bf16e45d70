"""MkDocs calls this: adds the made pages, fills figures in. See mkdocs.yml."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for _folder in (ROOT, ROOT / "docs"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))

from mkdocs.structure.files import File, Files  # noqa: E402

from generator import numbers, pages, repo_pages  # noqa: E402


def on_files(files: Files, config: Any) -> Files:
    """Add the made pages and the pictures they show."""
    for address, text in pages.pages().items():
        files.append(File.generated(config, address, content=text))
    for name, address in repo_pages.IMAGES.items():
        files.append(File.generated(config, address, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill figures in, and lead links to files of the repository to their pages."""
    address = page.file.src_uri
    written = page.file.generated_by is None
    return numbers.fill(repo_pages.relink(markdown, f"docs/{address}", address) if written else markdown)
