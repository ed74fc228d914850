"""The Java programs of tests/fhir_server/hapi, once built (`make` builds them), and the libraries they stand on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

BUILT = Path(__file__).parent / "hapi" / "target"


def run_java(program: str, *arguments: str) -> str:
    """What one of the programs prints. Raises CalledProcessError when it fails; its complaints go to stderr."""
    classpath = f"{BUILT / 'classes'}:{(BUILT / 'classpath').read_text('utf-8').strip()}"
    environment = {**os.environ, "CLASSPATH": classpath}  # too long for a readable command line
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    command = ["java", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", quiet, f"org.ionwise.tests.{program}"]
    done = subprocess.run([*command, *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def library(name: str) -> Path:
    """The jar of a library, by the beginning of its file name. Raises StopIteration when it is not used."""
    jars = map(Path, (BUILT / "classpath").read_text("utf-8").strip().split(":"))
    return next(jar for jar in jars if jar.name.startswith(name))
