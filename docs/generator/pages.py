"""Every page that is made, by address."""

from __future__ import annotations

from generator import device_pages, op_pages, repo_pages, rule_pages


def pages() -> dict[str, str]:
    """Address below docs/ to Markdown. Raises ValueError where two pages would have one address."""
    found: dict[str, str] = {}
    for part in (rule_pages, device_pages, op_pages, repo_pages):
        for address, text in part.pages():
            if address in found:
                raise ValueError(f"two pages are called {address}")
            found[address] = text
    return found
