"""``ane-lsp devices``: the targets that can be named, or what is known about one."""

from __future__ import annotations

import argparse
import json
import sys

from ane_lsp.cli.errors import CLEAN, UsageError
from ane_lsp.cli.options import to_utf8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``devices``."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a chip, device or engine generation")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """Print chips with their devices."""
    from ane_lsp.knowledge import targets

    to_utf8(sys.stdout)
    try:
        found = targets.resolve(args.name) if args.name else targets.chips()
    except targets.TargetError as error:
        raise UsageError(str(error)) from None
    if args.format == "json":
        print(json.dumps([_json(target) for target in found], indent=2))
        return CLEAN
    if args.name:
        print("\n\n".join("\n".join(_details(target)) for target in found))
        return CLEAN
    size = max(len(target.chip) for target in found)
    for target in found:
        generation = f"H{target.generation}" if target.generation else "-"
        print(f"{target.chip.ljust(size)}  {generation.ljust(3)}  {target.first_os.ljust(12)}  {_some(target.devices)}")
    default = " and ".join(targets.DEFAULT)
    print(f"\n{len(found)} chips; checked by default: {default}. ane-lsp devices NAME shows one.")
    return CLEAN


def _some(devices: tuple[str, ...]) -> str:
    shown = ", ".join(devices[:3])
    return f"{shown} and {len(devices) - 3} more" if len(devices) > 3 else shown


def _details(target: object) -> list[str]:
    from ane_lsp.knowledge.targets import Target

    assert isinstance(target, Target)
    lines = [target.chip]
    facts = [
        ("engine generation", f"H{target.generation}" if target.generation else "not known"),
        ("engine cores", str(target.cores)),
        ("TOPS (Apple's figure)", "none given" if target.tops is None else f"{target.tops:g}"),
        ("first OS", target.first_os or "not known"),
        ("source", target.source),
        ("note", target.note),
    ]
    lines += [f"  {label}: {value}" for label, value in facts if value]
    return [*lines, *(["  devices:"] if target.devices else []), *(f"    {device}" for device in target.devices)]


def _json(target: object) -> dict[str, object]:
    from dataclasses import asdict

    plain = asdict(target)  # type: ignore[call-overload]
    return {key: value for key, value in plain.items() if key != "name"}
