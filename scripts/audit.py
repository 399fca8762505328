"""Check the packages of the core lock for known vulnerabilities; fail unless each was checked and has none.

pip-audit alone succeeds when it could not check a package, as behind a mirror without vulnerability data.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parent.parent / "requirements" / "core.txt"


def main(arguments: list[str]) -> str:
    """Return the problem, or an empty string."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--requirement", str(LOCK), "--require-hashes", "--disable-pip", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return f"nothing was audited: pip-audit could not read its database: {last}"
    vulnerable = [package for package in packages if package.get("vulns")]
    for package in vulnerable:
        for vulnerability in package["vulns"]:
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version"
            print(f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}")
    if vulnerable:
        return f"{len(vulnerable)} of {len(packages)} packages have known vulnerabilities"
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if unknown or not packages:
        which = f", such as {', '.join(unknown[:3])}" if unknown else ""
        return (
            f"{len(unknown)} of {len(packages)} packages could not be checked{which}; "
            "run this where pip-audit can reach PyPI, or try ARGS='--vulnerability-service osv'"
        )
    print(f"{len(packages)} packages were checked; none has a known vulnerability")
    return ""


if __name__ == "__main__":
    problem = main(sys.argv[1:])
    if problem:
        sys.exit(f"audit: {problem}")
