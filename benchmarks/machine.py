"""Which machine a result was measured on."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slug() -> str:
    """The machine's name as part of a file name: processor and cores."""
    words = re.sub(r"\(.*?\)|processor|cpu|@.*", " ", processor(), flags=re.IGNORECASE)
    return "-".join([*re.findall(r"[a-z0-9]+", words.lower()), f"{cores()}-cores"])


def describe() -> str:
    """Processor, cores, system and Python in one line, with the date and how busy it was."""
    load = f"load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "load unknown"
    return (
        f"{processor()}, {cores()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"{datetime.now(UTC).date().isoformat()}, {load}"
    )
