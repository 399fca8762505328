"""The grade and the limitation of every kind of finding, from the table in `grades.toml`."""

import tomllib
from enum import StrEnum
from pathlib import Path


class Grade(StrEnum):
    """How a finding is known."""

    OBSERVED = "observed"
    """read from the file; anyone who opens it reads the same"""
    DERIVED = "derived"
    """computed from the file by fixed rules; anyone who repeats the computation gets the same"""
    INFERRED = "inferred"
    """a conclusion from statistics or experience, which can be wrong"""


GRADES: dict[str, tuple[Grade, str]] = {
    code: (Grade(kind["grade"]), kind["limitation"])
    for kind in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["kinds"]
    for code in kind["codes"]
}
"""by the code of a finding"""
# Of a kind that is not in the table, such as one of another version: nothing stronger than a conclusion.
UNKNOWN = (Grade.INFERRED, "its limitation is not described in this version")
