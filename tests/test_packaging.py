# SPDX-License-Identifier: GPL-2.0-only
"""What a clone carries besides code: lock file, workflows, licence lines, versions."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import xpfo_model

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "requirements.lock").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LARGEST = 4 << 20


def pinned():
    """Each entry of the lock file on one line, comments left out."""
    text = re.sub(r"^\s*#.*\n", "", LOCK, flags=re.MULTILINE)
    return text.replace("\\\n", " ").strip().splitlines()


def versions():
    """The locked version of each package; the universal lock has one for each."""
    requirements = [Requirement(entry.partition(" --hash=")[0]) for entry in pinned()]
    found = {canonicalize_name(one.name): str(one.specifier) for one in requirements}
    assert len(found) == len(requirements)
    return {name: version.removeprefix("==") for name, version in found.items()}


def tracked():
    """The files that git knows."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True
    )
    paths = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def test_every_package_of_the_lock_has_an_exact_version_and_hashes():
    for entry in pinned():
        pin, *hashes = re.split(r" +--hash=sha256:", entry)
        assert re.fullmatch(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+( +;[^#]+)?", pin), pin
        assert hashes, pin
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes), pin


def test_the_lock_says_nothing_of_where_it_was_made():
    assert "://" not in LOCK
    assert not re.findall(r"^-|--(?!hash=)", LOCK, flags=re.MULTILINE)
    assert not re.findall(r"(?:^|\s)[~/]\S*", LOCK)


@pytest.mark.parametrize(
    "wanted",
    [
        *PYPROJECT["build-system"]["requires"],
        *PYPROJECT["project"]["dependencies"],
        *(
            one
            for extra in PYPROJECT["project"]["optional-dependencies"].values()
            for one in extra
            if not one.startswith(PYPROJECT["project"]["name"])
        ),
    ],
)
def test_the_lock_covers_the_build_and_every_extra(wanted):
    requirement = Requirement(wanted)
    locked = versions()[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(locked)


def test_there_are_workflows():
    assert {path.stem for path in WORKFLOWS} == {"ci", "nightly", "publish", "release"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_permission_by_default_and_pins_its_actions(path):
    text = path.read_text()
    assert re.search(r"^permissions: \{\}$", text, flags=re.MULTILINE)
    uses = re.findall(r"uses: (.*)", text)
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert text.count("runs-on:") == text.count("timeout-minutes:")


def test_no_finding_of_a_checker_of_workflows_is_waived():
    files = [path for path in tracked() if path.is_relative_to(ROOT / ".github")]
    assert not [path for path in files if "zizmor" in path.name + path.read_text()]
    assert not [path for path in files if path.stem == "actionlint"]
    assert not (ROOT / "zizmor.yml").exists()


def test_one_action_has_one_pin():
    text = "".join(path.read_text() for path in WORKFLOWS)
    pins = set(re.findall(r"uses: (.*)", text))
    assert len(pins) == len({pin.partition("@")[0] for pin in pins})


def test_ci_and_the_workflow_run_the_two_commands_and_the_kept_studies():
    targets = ["htmldocs", "check", "data-check", "check-site", "workflows"]
    commands = [f"make {target}" for target in targets]
    script = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^make [\w-]+", script, flags=re.MULTILINE) == commands
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    ran = set(re.findall(r"run: (make .*)", workflow))
    assert ran == {*commands, "make wheel-test"}


def test_the_lock_of_the_browser_has_versions_and_hashes_and_no_address():
    folder = ROOT / "tests" / "site"
    wanted = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert locked.pop("")["dependencies"] == wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", one) for one in wanted.values())
    assert {f"node_modules/{name}" for name in wanted} <= set(locked)
    for package in locked.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package


def test_the_version_is_the_same_everywhere():
    citation = (ROOT / "CITATION.cff").read_text()
    (cited,) = re.findall(r"^version: (\S+)$", citation, flags=re.MULTILINE)
    version = PYPROJECT["project"]["version"]
    assert version == xpfo_model.__version__ == cited
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_package_takes_along_what_is_not_python():
    package = ROOT / "xpfo_model"
    data = PYPROJECT["tool"]["setuptools"]["package-data"]["xpfo_model"]
    assert {
        path.relative_to(package).as_posix()
        for path in tracked()
        if path.is_relative_to(package) and path.suffix != ".py"
    } == set(data)


def test_every_source_file_names_its_licence():
    spdx = "SPDX-License-" + "Identifier: GPL-2.0-only"
    sources = [
        path
        for path in tracked()
        if path.suffix in {".py", ".sh", ".yml", ".mjs", ".js", ".css"}
        or path.name in {"Makefile", "run"}
    ]
    missing = [path for path in sources if spdx not in path.read_text()[:200]]
    assert sources
    assert not missing


def test_no_tracked_file_is_large():
    assert not [path for path in tracked() if path.stat().st_size > LARGEST]


def test_no_tracked_text_names_a_folder_of_this_machine_or_a_registry():
    hosts = ["pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org"]
    folders = {f"{ROOT}/", f"{ROOT.parent}/", f"{Path.home()}/"}
    folders -= {"//", "/tmp/", "/root/", "/home/"}
    here = "|".join(re.escape(folder) for folder in sorted(folders))
    forbidden = re.compile(rf"(?<![\w./~-])(?:{here})|{'|'.join(hosts)}".encode())
    found = {
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in tracked()
        if b"\0" not in (content := path.read_bytes())
        for match in forbidden.finditer(content)
    }
    assert not found
