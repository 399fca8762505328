"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

from typer import Option

Model = Annotated[str | None, Option(help="fast, accurate, a name (`info --list`) or a path (.onnx, .json).")]
JsonLines = Annotated[bool, Option("--json", help="Print one JSON object per line and file.")]
Audit = Annotated[
    Path | None,
    Option(
        "--audit",
        help="Append every result to this audit log (.jsonl).",
        envvar="VERAFACE_AUDIT_LOG",
        show_envvar=False,
    ),
]
TrustMark = Annotated[
    Path | None,
    Option(
        "--trustmark",
        help="TrustMark decoder (decoder_Q.onnx) to look for its marks with, or a folder of them.",
        envvar="VERAFACE_TRUSTMARK",
        show_envvar=False,
    ),
]
TrustAnchors = Annotated[
    Path | None,
    Option(
        "--trust-anchors",
        help="PEM of authorities for Content Credentials.",
        envvar="VERAFACE_TRUST_ANCHORS",
        show_envvar=False,
    ),
]
TrustLists = Annotated[
    bool,
    Option(
        "--trust-lists/--no-trust-lists",
        help="Recognize signers on the public trust lists; see `veraface trust`.",
        envvar="VERAFACE_TRUST_LISTS",
        show_envvar=False,
    ),
]
WordsOnly = Annotated[
    bool,
    Option("--words-only", help="Show no probabilities.", envvar="VERAFACE_WORDS_ONLY", show_envvar=False),
]
NeverSayReal = Annotated[
    bool,
    Option(
        "--never-say-real",
        help="Show 'no sign of forgery found' instead of 'likely real'.",
        envvar="VERAFACE_NEVER_SAY_REAL",
        show_envvar=False,
    ),
]
LabeledData = Annotated[Path, Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")]
SkipBad = Annotated[bool, Option("--skip-bad", help="Skip unreadable images.")]
MaxFpr = Annotated[float, Option(help="Target false positive rate (reals with the verdict fake).")]
MaxFnr = Annotated[float, Option(help="Target false negative rate (fakes with the verdict real).")]
