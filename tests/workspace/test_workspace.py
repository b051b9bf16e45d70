import os
import threading
from pathlib import Path

from ane_lsp.workspace import Workspace
from ane_lsp.workspace import workspace as workspace_module


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("x = 1\n")
    space = Workspace(tmp_path)
    first = space.read(path)
    assert space.read(tmp_path / "." / "m.py") is first
    path.write_text("x = 22\n")
    assert space.read(path).text == "x = 22\n"


def test_open_documents_hide_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "m.py"
    path.write_text("x = 1\n")
    space = Workspace(tmp_path, overlays={path: "x = 'typed'\n"})
    assert space.read(path).text == "x = 'typed'\n"
    space.set_overlay(path, "x = 'more'\n", version=7)
    assert (space.read(path).text, space.read(path).version) == ("x = 'more'\n", 7)
    space.close_overlay(path)
    assert space.read(path).text == "x = 1\n"


def test_memory_is_bounded(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workspace_module, "CACHED_TEXT", 1000)
    space = Workspace(tmp_path)
    for number in range(50):
        (tmp_path / f"m{number}.py").write_text("x = 1\n" * 20)
        space.read(tmp_path / f"m{number}.py")
    assert space._cached_text <= 1000
    assert len(space._files) <= 9


def test_what_an_analysis_looked_at(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("x = 1\n")
    space = Workspace(tmp_path)
    with space.track() as used:
        space.read(tmp_path / "m.py")
        space.read(tmp_path / "gone.py")
        space.resolve("other", tmp_path / "m.py")
    assert used.files[str(tmp_path / "m.py")][1] == 6
    assert used.files[str(tmp_path / "gone.py")] is None
    assert str(tmp_path) in used.directories
    with space.track() as nothing:
        pass
    assert not nothing.files


def test_what_editors_leave_for_a_while_changes_nothing(tmp_path: Path) -> None:
    """Vim writes under another name and renames, with a swap file beside."""
    path = tmp_path / "m.py"
    path.write_text("x = 1\n")
    (tmp_path / "other.py").write_text("x = 1\n")
    os.utime(tmp_path, ns=(0, 1_000_000_000))
    space = Workspace(tmp_path)
    with space.track() as used, space.track():
        space.read(path)
        space.resolve("other", path)
        space.resolve("nowhere", path)
    assert used.unchanged()
    saved = tmp_path / "4913"
    saved.write_text("y = 1\n")
    (tmp_path / ".other.py.swp").write_text("")
    (tmp_path / "__pycache__").mkdir()
    assert used.unchanged()
    saved.rename(tmp_path / "other.py")
    assert used.unchanged()  # its text was not read
    (tmp_path / "nowhere.py").write_text("")
    assert not used.unchanged()
    (tmp_path / "nowhere.py").unlink()
    assert used.unchanged()
    saved.write_text("x = 2\n")
    saved.rename(path)
    assert not used.unchanged()


def test_tracking_is_by_thread(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("x = 1\n")
    space = Workspace(tmp_path)
    with space.track() as used:
        other = threading.Thread(target=space.read, args=(tmp_path / "m.py",))
        other.start()
        other.join()
    assert not used.files


def test_paths_keep_the_links_the_user_wrote(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "m.py").write_text("x = 1\n")
    os.symlink(tmp_path / "real", tmp_path / "link")
    assert Workspace(tmp_path).read(tmp_path / "link" / "m.py").path == tmp_path / "link" / "m.py"
