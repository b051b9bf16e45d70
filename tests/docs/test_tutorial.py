"""docs/tutorial.md: the model before and after, its findings, and that both compute the same."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import ane_lsp
from ane_lsp.cli.main import main
from ane_lsp.pytest_plugin import assert_ane_ready

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BEFORE, AFTER = ROOT / "examples" / "tiny_decoder.py", ROOT / "docs" / "tutorial" / "decoder.py"


def test_the_page_goes_through_every_finding() -> None:
    found = {finding.code for finding in ane_lsp.analyze_file(BEFORE).findings}
    told = {
        code
        for heading in re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE)
        for code in re.findall(r"ANE\d{3}", heading)
    }
    silenced = set(re.findall(r"# ane: ignore\[(ANE\d+)\]", AFTER.read_text(encoding="utf-8")))
    assert told == found | silenced


def fixed(folder: Path) -> Path:
    """The example as `ane-lsp check --fix` leaves it."""
    path = folder / BEFORE.name
    path.write_bytes(BEFORE.read_bytes())
    assert main(["check", "--fix", "--exit-zero", "--isolated", "--no-cache", str(path)]) == 0
    return path


def test_the_page_shows_the_edits_of_the_fixes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["check", "--diff", "--no-cache", str(BEFORE.relative_to(ROOT))]) == 1
    assert f"```diff\n{capsys.readouterr().out.rstrip()}\n```" in PAGE


def test_the_fixes_mend_what_the_page_says(tmp_path: Path) -> None:
    heading = re.search(r"^## Three by one command: (.*)$", PAGE, flags=re.MULTILINE)
    assert heading is not None
    before = {finding.code for finding in ane_lsp.analyze_file(BEFORE).findings}
    after = {finding.code for finding in ane_lsp.analyze_file(fixed(tmp_path)).findings}
    assert before - after == set(re.findall(r"ANE\d+", heading[1]))
    assert after < before


def test_afterwards_nothing_is_found_and_everything_runs_on_the_ane() -> None:
    for target in ("M4", "iPhone 15"):
        found = assert_ane_ready(AFTER, target=target, fail_on="hint", ignore=["ANE902"], off_ane=())
        (model,) = found.models
        assert model.on_ane == model.ops
        assert model.unknown_shapes == 0


def test_what_is_silenced_would_be_reported() -> None:
    text = AFTER.read_text(encoding="utf-8")
    codes = set(re.findall(r"# ane: ignore\[(ANE\d+)\]", text))
    loud = ane_lsp.analyze_source(re.sub(r"  # ane: ignore\[ANE\d+\]", "", text), AFTER)
    assert {finding.code for finding in loud.findings} == codes


def test_excerpts_exist() -> None:
    text = AFTER.read_text(encoding="utf-8")
    sections = re.findall(r'--8<-- "tutorial/decoder.py:(\w+)"', PAGE)
    assert len(sections) >= 3
    for name in sections:
        assert f"[start:{name}]" in text
        assert f"[end:{name}]" in text


def test_all_compute_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is needed to run the tutorial's models")
    sys.path.insert(0, str(ROOT))
    try:
        from docs.tutorial import decoder as after
        from examples import tiny_decoder as before
    finally:
        sys.path.remove(str(ROOT))
    torch.manual_seed(0)
    config = before.Config(layers=2)
    middle = runpy.run_path(str(fixed(tmp_path)), run_name="fixed")
    old, new = before.TinyDecoder(config).eval(), after.TinyDecoder(config).eval()
    mended = middle["TinyDecoder"](middle["Config"](layers=2)).eval()
    mended.load_state_dict(old.state_dict())
    assert new.load_state_dict(old.state_dict()) is not None
    tokens = torch.randint(0, config.vocab_size, (1, 16))
    keys, values = (torch.randn(config.layers, 1, config.heads, 32, config.head_dim) for _ in range(2))
    with torch.no_grad():
        token, *caches = old(tokens, keys, values)
        scores, *new_caches = new(new.embed(tokens), keys, values)
        mended_token, *mended_caches = mended(tokens, keys, values)
    assert scores.argmax(-1).tolist() == mended_token.tolist() == token.tolist()
    for one, *others in zip(caches, new_caches, mended_caches, strict=True):
        for other in others:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_it_runs_as_a_script() -> None:
    pytest.importorskip("torch", reason="torch is needed to run the tutorial's model")
    done = subprocess.run(
        [sys.executable, "-m", "docs.tutorial.decoder"], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "(4, 1, 4, 48, 64)" in done.stdout
