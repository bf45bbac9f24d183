"""Make `.venv` from nothing but python3 and pip, with every library pinned by hash.

    python3 scripts/bootstrap.py          # what the product needs
    python3 scripts/bootstrap.py --dev    # and what tests and checks need

Runs on the system's own Python with the standard library alone. A stamp in `.venv` holds the hash of the requirements
that are in it, so that a second call returns at once. uv installs where it can be had, pip alone where it cannot.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)


class BootstrapError(Exception):
    """What went wrong, in words for the person at the terminal."""


def run(command: Sequence[str | Path], *, quiet: bool = False) -> bool:
    """Run `command`, say whether it succeeded; `quiet` hides what a failing first choice prints."""
    sink = subprocess.DEVNULL if quiet else None
    return subprocess.run([*map(str, command)], check=False, cwd=ROOT, stdout=sink, stderr=sink).returncode == 0


def check_python() -> None:
    """Refuse a Python that the pinned libraries were not made for."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        have = ".".join(map(str, sys.version_info[:3]))
        raise BootstrapError(
            f"Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]} is needed, this one is {have}. "
            "Name another: make PYTHON=python3.12 run"
        )


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time build the environment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def fingerprint(*files: Path) -> str:
    """Return a hash of the requirement files and of the Python they are installed for."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def pip_command() -> list[str]:
    """Return the system's pip as a command."""
    if run([sys.executable, "-m", "pip", "--version"], quiet=True):
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise BootstrapError("pip is missing. On Debian or Ubuntu: apt-get install python3-pip")
    return [found]


def create_venv(venv: Path) -> None:
    """Create the environment; a bare Debian has no ensurepip, so do without one there."""
    if (venv / "bin" / "python").exists() and run([venv / "bin" / "python", "-c", "import encodings"], quiet=True):
        return
    print(f"Creating {venv.name} …", flush=True)
    for options in (["--clear"], ["--clear", "--without-pip"]):
        if run([sys.executable, "-m", "venv", *options, venv], quiet=True):
            return
    raise BootstrapError("python3 -m venv failed. On Debian or Ubuntu: apt-get install python3-venv")


def installer(venv: Path) -> list[str]:
    """Return the command that installs into `venv`: the pinned uv, or pip where uv cannot be had."""
    python = str(venv / "bin" / "python")
    pip = [python, "-m", "pip"] if run([python, "-m", "pip", "--version"], quiet=True) else []
    pip = pip or [*pip_command(), "--python", python]
    common = ["install", "--require-hashes", "--quiet", "--disable-pip-version-check"]
    uv = venv / "bin" / "uv"
    run([*pip, *common, "-r", ROOT / "requirements-uv.txt"], quiet=True)
    if uv.exists() and run([uv, "--version"], quiet=True):
        return [str(uv), "pip", "install", "--python", python, "--require-hashes", "--quiet"]
    print("uv could not be installed here; pip does it, more slowly.", flush=True)
    return [*pip, *common]


def bootstrap(venv: Path, *, dev: bool) -> Path:
    """Bring `venv` to the pinned state and return its Python; raise BootstrapError where that fails."""
    check_python()
    requirements = ROOT / ("requirements-dev.txt" if dev else "requirements.txt")
    # The development set holds the other one whole: its stamp is good for both.
    wanted = fingerprint(ROOT / "requirements.txt", ROOT / "requirements-dev.txt", ROOT / "requirements-uv.txt")
    stamps = {"dev": venv / ".stamp-dev", "run": venv / ".stamp-run"}
    with locked(ROOT / "var" / "bootstrap.lock"):
        good = [name for name, stamp in stamps.items() if stamp.exists() and stamp.read_text() == wanted]
        if (venv / "bin" / "python").exists() and ("dev" in good or (not dev and "run" in good)):
            return venv / "bin" / "python"
        create_venv(venv)
        install = installer(venv)
        print(f"Installing {requirements.name} …", flush=True)
        if not run([*install, "-r", requirements]):
            raise BootstrapError(f"The libraries in {requirements.name} could not be installed; see above.")
        stamps["dev" if dev else "run"].write_text(wanted)
    return venv / "bin" / "python"


def main() -> int:
    """Command line: returns 0, or 2 with the reason on stderr."""
    parser = argparse.ArgumentParser(description="Create .venv with the pinned libraries.")
    parser.add_argument("--dev", action="store_true", help="also install what tests and checks need")
    parser.add_argument("--venv", type=Path, default=Path(os.environ.get("VENV", ROOT / ".venv")))
    options = parser.parse_args()
    try:
        bootstrap(options.venv.absolute(), dev=options.dev)
    except BootstrapError as error:
        print(f"\n{error}\n", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
