"""Looks up the packages of the core lock among known weaknesses; fails unless each is known to have none.

pip-audit itself ends well where it could look nothing up, as behind a package index that has no such data.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements" / "core.txt"


def main(arguments: list[str]) -> str:
    """Returns what is wrong; nothing if nothing is."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--requirement", str(LOCK), "--require-hashes", "--disable-pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return f"nothing was audited, as pip-audit could not reach or read its database: {last}"
    weak = [package for package in packages if package.get("vulns")]
    for package in weak:
        for weakness in package["vulns"]:
            fixed = ", ".join(weakness["fix_versions"]) or "no version"
            print(f"{package['name']} {package['version']}: {weakness['id']}, fixed in {fixed}")
    if weak:
        return f"{len(weak)} of {len(packages)} packages have known weaknesses"
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown or not packages:
        which = f", {', '.join(unknown[:3])} among them" if unknown else ""
        return (
            f"{len(unknown)} of {len(packages)} packages could not be looked up{which}; "
            "run this where pip-audit can reach PyPI, or try ARGS='--vulnerability-service osv'"
        )
    print(f"{len(packages)} packages were looked up; none has a known weakness")
    return ""


if __name__ == "__main__":
    problem = main(sys.argv[1:])
    if problem:
        sys.exit(f"audit: {problem}")
