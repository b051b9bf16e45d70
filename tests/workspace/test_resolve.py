import os
from pathlib import Path

import pytest

from ane_lsp.workspace import Workspace
from ane_lsp.workspace.environment import EnvironmentNotFound, find_environment
from ane_lsp.workspace.project import Projects


def write(root: Path, *files: str) -> None:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")


def site(tmp_path: Path, name: str = "env") -> Path:
    folder = tmp_path / name / "lib" / "python3.11" / "site-packages"
    folder.mkdir(parents=True)
    (tmp_path / name / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n", encoding="utf-8")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(
        root,
        "app/__init__.py", "app/models/__init__.py", "app/models/net.py", "app/models/layers.py", "app/util.py",
        "scripts/train.py", "scripts/helpers.py", "src/lib/__init__.py", "src/lib/core.py", "loose/a.py", "loose/b.py",
    )  # fmt: skip
    write(
        site(tmp_path), "torchy/__init__.py", "torchy/nn/__init__.py", "single.py", "space/part.py", "app/shadowed.py"
    )
    return root


def workspace(project: Path, **given: object) -> Workspace:
    return Workspace(project, python=str(project.parent / "env"), **given)


def found(project: Path, module: str, file: str = "scripts/train.py", level: int = 0, **given: object) -> str | None:
    result = workspace(project, **given).resolve(module, project / file, level)
    if result is None:
        return None
    name = os.path.relpath(result.path, project.parent)
    return f"{result.name}={name}" + ("/" if result.is_namespace else "")


SITE = "env/lib/python3.11/site-packages"


def test_absolute_imports(project: Path) -> None:
    assert found(project, "helpers") == "helpers=project/scripts/helpers.py"
    assert found(project, "app.models.net") == "app.models.net=project/app/models/net.py"
    assert found(project, "app") == "app=project/app/__init__.py"
    assert found(project, "lib.core") == "lib.core=project/src/lib/core.py"
    assert found(project, "torchy.nn") == f"torchy.nn={SITE}/torchy/nn/__init__.py"
    assert found(project, "single") == f"single={SITE}/single.py"
    assert found(project, "space") == f"space={SITE}/space/"
    assert found(project, "space.part") == f"space.part={SITE}/space/part.py"
    assert found(project, "missing") is None
    assert found(project, "single.part") is None


def test_a_regular_package_hides_later_ones_of_its_name(project: Path) -> None:
    assert found(project, "app.shadowed") is None


def test_the_folder_of_a_module_inside_a_package_is_not_on_the_path(project: Path) -> None:
    assert found(project, "layers", "app/models/net.py") is None
    assert found(project, "app.util", "app/models/net.py") == "app.util=project/app/util.py"


def test_the_folders_of_its_packages_are_looked_into_last_where_that_is_asked(project: Path) -> None:
    def beside(module: str, file: str) -> str | None:
        result = workspace(project).resolve(module, project / file, beside=True)
        return os.path.relpath(result.path, project.parent) if result is not None else None

    assert beside("layers", "app/models/net.py") == "project/app/models/layers.py"
    assert beside("util", "app/models/net.py") == "project/app/util.py"
    assert beside("single", "app/models/net.py") == f"{SITE}/single.py"
    assert beside("net", "app/models/net.py") is None  # itself
    assert beside("b", "app/models/net.py") is None
    assert beside("helpers", "scripts/train.py") == "project/scripts/helpers.py"


def test_relative_imports(project: Path) -> None:
    net = "app/models/net.py"
    assert found(project, "layers", net, 1) == "app.models.layers=project/app/models/layers.py"
    assert found(project, "", net, 1) == "app.models=project/app/models/__init__.py"
    assert found(project, "util", net, 2) == "app.util=project/app/util.py"
    assert found(project, "", net, 2) == "app=project/app/__init__.py"
    assert found(project, "models.layers", "app/__init__.py", 1) == "app.models.layers=project/app/models/layers.py"
    assert found(project, "b", "loose/a.py", 1) == "loose.b=project/loose/b.py"


def test_relative_imports_stay_inside_the_project(project: Path) -> None:
    write(project.parent, "outside.py")
    for level in (3, 4, 9):
        assert found(project, "outside", "app/models/net.py", level) is None
    assert found(project, "outside", "loose/a.py", 3) is None
    for name in ("../outside", "..", "app/util", "a.b/c", "", ".", "app..util", "C:\\x"):
        assert found(project, name) is None


def test_search_paths_come_before_project_and_environment(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "vendor", "single.py", "torchy/__init__.py")
    vendor = [tmp_path / "vendor"]
    assert found(project, "single", search_paths=vendor) == "single=vendor/single.py"
    assert found(project, "torchy", search_paths=vendor) == "torchy=vendor/torchy/__init__.py"
    assert found(project, "torchy.nn", search_paths=vendor) is None


def test_namespace_packages_span_several_roots(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "vendor", "space/other.py")
    given = {"search_paths": [tmp_path / "vendor"]}
    assert found(project, "space.other", **given) == "space.other=vendor/space/other.py"
    assert found(project, "space.part", **given) == f"space.part={SITE}/space/part.py"


def test_extension_modules_have_no_source(project: Path) -> None:
    (project.parent / SITE / "fast.cpython-311-x86_64-linux-gnu.so").write_bytes(b"\x7fELF")
    assert found(project, "fast") is None


def test_links_in_a_circle_end(project: Path) -> None:
    os.symlink(project / "app", project / "app" / "loop")
    os.symlink(project / "self.py", project / "self.py")
    assert found(project, "app.loop.loop.util") == "app.loop.loop.util=project/app/loop/loop/util.py"
    assert workspace(project).read(project / "self.py").problem.kind == "read"


def test_new_files_are_seen(project: Path) -> None:
    space = workspace(project)
    script = project / "scripts/train.py"
    assert space.resolve("later", script) is None
    write(project, "scripts/later.py")
    folder = project / "scripts"
    os.utime(folder, ns=(folder.stat().st_atime_ns, folder.stat().st_mtime_ns + 1_000_000))
    assert space.resolve("later", script) is not None


def test_unsaved_documents_can_be_imported(project: Path) -> None:
    space = workspace(project)
    script = project / "scripts/train.py"
    space.set_overlay(project / "scripts/draft.py", "x = 1\n")
    assert space.resolve("draft", script).path == project / "scripts/draft.py"
    space.close_overlay(project / "scripts/draft.py")
    assert space.resolve("draft", script) is None


def age(project: Path, seconds: int = 1) -> None:
    """Folders as they were left a while ago."""
    for folder in (project.parent, *project.parent.rglob("*")):
        if folder.is_dir():
            os.utime(folder, ns=(0, seconds * 1_000_000_000))


def test_a_name_is_looked_for_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    age(project)
    space = workspace(project)
    script = project / "scripts/train.py"
    with space.track() as first:
        where = space.resolve("torchy.nn", script), space.resolve("nowhere", script)
    monkeypatch.setattr(space._finder, "find", None)  # not asked again
    with space.track() as second:
        assert (space.resolve("torchy.nn", script), space.resolve("nowhere", project / "scripts/other.py")) == where
    assert where[0] is not None
    assert where[1] is None
    assert second.directories == first.directories != {}


def test_what_was_found_is_looked_for_again_once_a_folder_or_a_document_says_otherwise(project: Path) -> None:
    age(project)
    space = workspace(project)
    script = project / "scripts/train.py"
    site = project.parent / SITE
    assert space.resolve("torchy", script).path == site / "torchy/__init__.py"
    assert space.resolve("torchy", project / "loose/a.py").path == site / "torchy/__init__.py"
    write(project, "scripts/torchy.py")
    age(project, 2)
    assert space.resolve("torchy", script).path == project / "scripts/torchy.py"
    assert space.resolve("torchy", project / "loose/a.py").path == site / "torchy/__init__.py"
    age(project)
    assert space.resolve("draft", script) is None
    space.set_overlay(project / "scripts/draft.py", "x = 1\n")
    assert space.resolve("draft", script).path == project / "scripts/draft.py"
    space.close_overlay(project / "scripts/draft.py")
    assert space.resolve("draft", script) is None


def test_a_folder_that_has_just_changed_is_looked_at_each_time(project: Path) -> None:
    space = workspace(project)
    folder, script = project / "scripts", project / "scripts/train.py"
    age(project)
    os.utime(folder)
    stamp = folder.stat()
    assert space.resolve("later", script) is None
    write(project, "scripts/later.py")
    os.utime(folder, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert space.resolve("later", script) is not None


def test_an_editable_install_that_becomes_a_package_is_found(project: Path, tmp_path: Path) -> None:
    write(tmp_path / "dev", "one.py")
    finder = f"MAPPING: dict[str, str] = {{'one': {str(tmp_path / 'dev/one')!r}}}\nNAMESPACES = {{}}\n"
    (tmp_path / SITE / "__editable___one_1_0_finder.py").write_text(finder, encoding="utf-8")
    age(project)
    space = workspace(project)
    script = project / "scripts/train.py"
    assert space.resolve("one", script).path == tmp_path / "dev/one.py"
    write(tmp_path / "dev", "one/__init__.py")
    age(project)  # as if nothing had happened in the folders around
    assert space.resolve("one", script).path == tmp_path / "dev/one/__init__.py"


def test_names_and_paths_as_reports_print_them(project: Path) -> None:
    space = workspace(project)
    nn = project.parent / SITE / "torchy/nn/__init__.py"
    assert space.relative(nn) == "torchy/nn/__init__.py"
    assert space.module_name(nn) == "torchy.nn"
    assert space.relative(project / "app/models/net.py") == "app/models/net.py"
    assert space.relative(project / "src/lib/core.py") == "src/lib/core.py"
    assert space.module_name(project / "src/lib/core.py") == "lib.core"
    write(project.parent, "elsewhere/pkg/__init__.py", "elsewhere/pkg/m.py")
    assert space.relative(project.parent / "elsewhere/pkg/m.py") == "pkg/m.py"
    assert space.module_name(project.parent / "elsewhere/pkg/m.py") == "pkg.m"


def test_a_project_folder_within_a_package_does_not_hide_the_package(tmp_path: Path) -> None:
    """``lens/lens.py``: opened by itself, its folder is taken for the project."""
    write(tmp_path, "lens/__init__.py", "lens/lens.py", "lens/parts.py")
    space = Workspace(tmp_path / "lens")
    one = tmp_path / "lens/lens.py"
    assert space.module_name(one) == "lens.lens"
    assert space.resolve("lens", one).path == tmp_path / "lens/__init__.py"
    assert space.resolve("parts", one, 1).name == "lens.parts"


def test_a_file_outside_of_any_project_is_part_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``encoders/zoo.py`` that imports the library `zoo` does not import itself."""
    write(
        tmp_path,
        "cwd/x.py",
        "seg/__init__.py",
        "seg/encoders/__init__.py",
        "seg/encoders/zoo.py",
        "libs/zoo/__init__.py",
    )
    monkeypatch.chdir(tmp_path / "cwd")
    one = tmp_path / "seg/encoders/zoo.py"
    space = Projects({"search-paths": [str(tmp_path / "libs")]}).workspace(one)
    assert space.root == tmp_path
    assert space.resolve("zoo", one).path == tmp_path / "libs/zoo/__init__.py"
    write(tmp_path, "seg/setup.cfg")
    assert Projects().workspace(one).root == tmp_path / "seg"


def test_environments_by_folder_interpreter_and_site_packages(project: Path, tmp_path: Path) -> None:
    env = tmp_path / "env"
    (env / "bin").mkdir()
    os.symlink("/usr/bin/env", env / "bin" / "python")
    for python in (str(env), str(env / "bin" / "python"), str(tmp_path / SITE)):
        assert find_environment(project, python, {}).site_packages == (tmp_path / SITE,)
    with pytest.raises(EnvironmentNotFound, match="no site-packages"):
        find_environment(project, str(tmp_path / "nothing"), {})
    assert "no site-packages" in Workspace(project, python="nothing").problem


def test_environments_are_looked_for_in_order(project: Path, tmp_path: Path) -> None:
    assert find_environment(project, None, {}).origin == "the environment ane-lsp runs in"
    conda = site(tmp_path, "conda")
    assert find_environment(project, None, {"CONDA_PREFIX": str(tmp_path / "conda")}).site_packages == (conda,)
    local = site(project, "venv")
    assert find_environment(project, None, {"CONDA_PREFIX": str(tmp_path / "conda")}).site_packages == (local,)
    dotted = site(project, ".venv")
    assert find_environment(project, None, {}).site_packages == (dotted,)
    active = {"VIRTUAL_ENV": str(tmp_path / "env")}
    assert find_environment(project, None, active).site_packages == (tmp_path / SITE,)


def test_windows_layout_and_base_environment(project: Path, tmp_path: Path) -> None:
    windows = tmp_path / "win" / "Lib" / "site-packages"
    windows.mkdir(parents=True)
    assert find_environment(project, str(tmp_path / "win"), {}).site_packages == (windows,)
    base = tmp_path / "base" / "lib" / "python3.11" / "dist-packages"
    base.mkdir(parents=True)
    config = f"home = {tmp_path / 'base' / 'bin'}\ninclude-system-site-packages = true\nversion = 3.11.2\n"
    (tmp_path / "env" / "pyvenv.cfg").write_text(config, encoding="utf-8")
    assert find_environment(project, str(tmp_path / "env"), {}).site_packages == (tmp_path / SITE, base)


def test_editable_installs_are_followed_without_running_their_hooks(project: Path, tmp_path: Path) -> None:
    packages = tmp_path / SITE
    write(
        tmp_path / "dev", "plain/plainpkg/__init__.py", "hook/hooked/__init__.py", "hook/hooked/sub.py", "hook/one.py"
    )
    mark = tmp_path / "ran"
    run = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"
    (packages / "plain.pth").write_text(
        f"# comment\n{run}{tmp_path / 'dev/plain'}\n/does/not/exist\n", encoding="utf-8"
    )
    mapping = {"hooked": str(tmp_path / "dev/hook/hooked"), "one": str(tmp_path / "dev/hook/one.py")}
    finder = f"{run}MAPPING: dict[str, str] = {mapping!r}\nNAMESPACES = {{}}\n"
    (packages / "__editable___hooked_1_0_finder.py").write_text(finder, encoding="utf-8")
    (packages / "__editable__.broken_finder.py").write_text("MAPPING = [\n", encoding="utf-8")
    space = workspace(project)
    script = project / "scripts/train.py"
    assert space.resolve("plainpkg", script).path == tmp_path / "dev/plain/plainpkg/__init__.py"
    assert space.resolve("hooked", script).path == tmp_path / "dev/hook/hooked/__init__.py"
    assert space.resolve("hooked.sub", script).path == tmp_path / "dev/hook/hooked/sub.py"
    assert space.resolve("one", script).path == tmp_path / "dev/hook/one.py"
    assert space.relative(tmp_path / "dev/hook/hooked/sub.py") == "hooked/sub.py"
    assert not mark.exists()
