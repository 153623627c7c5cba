"""Make sure that the libraries of the system which Qt and VTK load are there.

Run by ``make`` with the system's own Python, before there is an environment: standard library only. As root it
installs what is missing; with a terminal and sudo it asks first; otherwise it prints the one line to run.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

EXIT_LACKS = 4

LIBRARIES = {
    # Loaded at run time by the VTK and PyQt6 wheels, which link none of them: soname -> Debian package
    "libX11.so.6": "libgl1",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libXcursor.so.1": "libxcursor1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
TEST_PROGRAMS = {"Xvfb": "xvfb", "xauth": "xauth", "assimp": "assimp-utils", "admesh": "admesh"}

RENAMED = {"libglib2.0-0": "libglib2.0-0t64"}
"""Names since the 64-bit time transition (Debian 13, Ubuntu 24.04)."""


def missing(for_tests: bool) -> list[str]:
    """Return the Debian packages that are lacking, in a fixed order."""
    packages = [package for soname, package in LIBRARIES.items() if not _loads(soname)]
    if for_tests:
        packages += [package for program, package in TEST_PROGRAMS.items() if not shutil.which(program)]
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        packages.append("python3-venv")
    renamed = _has_time64_names()
    return [RENAMED.get(p, p) if renamed else p for p in dict.fromkeys(packages)]


def _loads(soname: str) -> bool:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def _has_time64_names() -> bool:
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
        fields = dict(line.split("=", 1) for line in lines if "=" in line)
    except OSError:
        return False
    version = fields.get("VERSION_ID", "0").strip('"')
    first_with = {"debian": 13.0, "ubuntu": 24.04}.get(fields.get("ID", "").strip('"'))
    return first_with is not None and float(version) >= first_with


def install(packages: list[str]) -> int:
    """Install as root, or after asking; return the exit code."""
    line = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        return _tell(packages, "This is no Debian. Install what these Debian packages hold:", " ".join(packages))
    prefix: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None or not sys.stdin.isatty():
            return _tell(packages, "Run this line as root, then try again:", f"apt-get update && {line}")
        answer = input(f"These system packages are missing: {' '.join(packages)}\nInstall them with sudo? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            return _tell(packages, "Run this line as root, then try again:", f"apt-get update && {line}")
        prefix = ["sudo"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], [*line.split()[:2], "-qq", *line.split()[2:]]):
        code = subprocess.run([*prefix, *command], env=environment, check=False).returncode
        if code != 0:
            return _tell(packages, f"'{' '.join(command[:2])}' failed. Run this line as root:", line)
    return 0


def _tell(packages: list[str], remedy: str, line: str) -> int:
    print(f"arviewer cannot start: {len(packages)} system packages are missing.", file=sys.stderr)
    print(remedy, file=sys.stderr)
    print(f"  {line}", file=sys.stderr)
    return EXIT_LACKS


def main() -> int:
    """Check, and install what is missing."""
    packages = missing(for_tests="--for-tests" in sys.argv[1:])
    if not packages:
        return 0
    if "--check" in sys.argv[1:]:
        return _tell(packages, "Missing:", " ".join(packages))
    return install(packages)


if __name__ == "__main__":
    sys.exit(main())
