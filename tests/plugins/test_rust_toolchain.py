from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ferrotape.errors import ToolMissing
from ferrotape_plugins.rust.toolchain import Toolchain, search_path


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


@pytest.fixture
def bin_folder(tmp_path, monkeypatch) -> Path:
    """The only folder on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_without_a_compiler_everything_is_unavailable(bin_folder):
    toolchain = Toolchain()
    sentence = "There is no `rustc` on the PATH."
    assert (toolchain.no_rustc, toolchain.no_clippy, toolchain.no_linker) == (sentence,) * 3
    with pytest.raises(ToolMissing, match="no `rustc`"):
        _ = toolchain.installed


def test_a_compiler_that_fails_is_reported_with_its_first_words(bin_folder):
    program(bin_folder, "rustc", "echo 'error: no default toolchain' >&2; exit 1")
    assert "failed: error: no default toolchain." in str(Toolchain().no_rustc)


def test_the_real_programs_are_found_behind_the_proxies(bin_folder):
    sysroot = bin_folder / "toolchain"
    (sysroot / "bin").mkdir(parents=True)
    program(bin_folder, "rustc", f"echo {sysroot}")
    program(sysroot / "bin", "rustc", "echo rustc 9.9.9; echo host: some-machine")
    program(sysroot / "bin", "clippy-driver", "echo clippy 0.9.9")
    program(bin_folder, "cc", "")
    toolchain = Toolchain()
    assert (toolchain.no_rustc, toolchain.no_clippy, toolchain.no_linker) == (None, None, None)
    found = toolchain.installed
    assert found.rustc == sysroot / "bin" / "rustc"
    assert (found.version, found.clippy_version) == ("rustc 9.9.9 some-machine", "clippy 0.9.9")
    assert search_path(found).split(os.pathsep)[0] == str(bin_folder)


def test_a_missing_component_or_linker_is_said(bin_folder):
    program(bin_folder, "rustc", f"echo {bin_folder}/nowhere")
    toolchain = Toolchain()
    assert toolchain.no_rustc is None
    assert "rustup component add clippy" in str(toolchain.no_clippy)
    assert "no C linker" in str(toolchain.no_linker)


def test_a_proxy_whose_component_is_missing_is_said(bin_folder):
    program(bin_folder, "rustc", f"echo {bin_folder}/nowhere")
    program(
        bin_folder, "clippy-driver", "echo \"error: 'clippy-driver' is not installed\" >&2; exit 1"
    )
    assert "is not installed" in str(Toolchain().no_clippy)


def test_the_toolchain_is_looked_up_once_and_only_when_asked(bin_folder):
    program(bin_folder, "rustc", f"echo x >> {bin_folder}/calls; echo {bin_folder}/nowhere")
    toolchain = Toolchain()
    assert not (bin_folder / "calls").exists()
    for _ in range(3):
        assert toolchain.no_rustc is None
    assert (bin_folder / "calls").read_text() == "x\n" * 2  # its sysroot, then its version


@pytest.mark.rust
@pytest.mark.skipif(shutil.which("rustc") is None, reason="needs a Rust toolchain")
def test_this_machines_toolchain_is_found():
    found = Toolchain().installed
    assert found.version.startswith("rustc 1.")
    assert found.sysroot.is_dir()
