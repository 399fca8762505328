"""Describe the machine of a measurement."""

import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

_SPEED = {
    "avx512_vnni": "VNNI",
    "avx_vnni": "VNNI",
    "avx512_bf16": "BF16",
    "avx512f": "AVX-512",
    "avx2": "AVX2",
}


def processor() -> str:
    """Return the processor's name and family, and the instructions that networks gain from.

    Clouds shorten the name: an "AMD EPYC" may be of any generation.
    """
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor() or platform.machine()
    lines = info.read_text().split("\n\n")[0].splitlines()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = facts.get("flags", "").split()
    speed = [name for flag, name in _SPEED.items() if flag in flags]
    about = [f"family {facts['cpu family']}"] if "cpu family" in facts else []
    name = facts.get("model name", platform.machine())
    return f"{name} ({', '.join(dict.fromkeys(about + speed))})" if about + speed else name


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slug() -> str:
    """Return processor and cores as part of a file name."""
    words = re.sub(r"\((R|TM)\)|processor|cpu|@[^(]*|AVX-512|AVX2", " ", processor(), flags=re.IGNORECASE)
    return "-".join([*re.findall(r"[a-z0-9]+", words.lower()), f"{cores()}-cores"])


def describe() -> str:
    """Return processor, cores, system, Python, date and load in one line."""
    load = f"load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else "load unknown"
    return (
        f"{processor()}, {cores()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"{datetime.now(UTC).date().isoformat()}, {load}"
    )
