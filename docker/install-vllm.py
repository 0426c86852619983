"""Installs a release of vLLM for CPU into /opt/venv, inside the container that becomes the image.

Usage: install-vllm.py PACKAGE VERSION. Uses uv where the host lent one (UV in the environment), else pip.
"""

import json
import os
import pathlib
import re
import subprocess
import sys

VENV = pathlib.Path("/opt/venv")
PYTHON = str(VENV / "bin" / "python")


def run(*command: str) -> None:
    print("+", " ".join(command[:6]), "..." if len(command) > 6 else "", flush=True)
    subprocess.run(command, check=True)


def install(*arguments: str) -> None:
    uv = os.environ.get("UV")
    if uv:
        run(uv, "pip", "install", "--python", PYTHON, "--link-mode", "copy", *arguments)
    else:
        run(PYTHON, "-m", "pip", "install", "--no-compile", "--disable-pip-version-check", *arguments)


def requirements_of(package: str) -> list[str]:
    """What the package needs. It pins torch builds with a local version (+cpu), which a package index does not hold."""
    script = f"import importlib.metadata, json; print(json.dumps(importlib.metadata.requires({package!r}) or []))"
    listed = subprocess.run([PYTHON, "-c", script], check=True, capture_output=True, text=True).stdout
    return [re.sub(r"\+cpu\b", "", needed) for needed in json.loads(listed) if "extra ==" not in needed]


def name_distribution(package: str, version: str) -> None:
    """The `vllm` command asks for a distribution called vllm, and the platform is told by "cpu" in its version."""
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    for stale in site.glob("vllm-*.dist-info"):
        for file in stale.iterdir():
            file.unlink()
        stale.rmdir()
    info = site / f"vllm-{version}+cpu.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}+cpu\n")
    (info / "INSTALLER").write_text("stepctl\n")


def main() -> None:
    package, version = sys.argv[1:3]
    run(sys.executable, "-m", "venv", *(["--without-pip"] if os.environ.get("UV") else []), str(VENV))
    install("--no-deps", f"{package}=={version}")
    install(*requirements_of(package))
    name_distribution(package, version)
    # The engine's root is read-only: without bytecode every start would compile all of torch again. A module that this
    # Python cannot compile is no failure: torch ships some that use the syntax of newer ones.
    subprocess.run([PYTHON, "-m", "compileall", "-q", "-j", "0", str(VENV / "lib")], check=False)


main()
