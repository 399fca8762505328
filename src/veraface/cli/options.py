"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

from typer import Option


def _setting(variable: str, flag: str, words: str) -> Any:
    """Return an option that is also a setting of the server, VERAFACE_<VARIABLE>."""
    return Option(flag, help=words, envvar=f"VERAFACE_{variable}", show_envvar=False)


Model = Annotated[str | None, Option(help="fast, accurate, a name (`info --list`) or a path (.onnx, .json).")]
JsonLines = Annotated[bool, Option("--json", help="Print one JSON object per line and file.")]
Audit = Annotated[
    Path | None, _setting("AUDIT_LOG", "--audit", "Append every result to this audit log (.jsonl).")
]
TrustMark = Annotated[
    Path | None,
    _setting(
        "TRUSTMARK",
        "--trustmark",
        "TrustMark decoder to search for marks with (decoder_Q.onnx), or a folder of decoders.",
    ),
]
TrustAnchors = Annotated[
    Path | None,
    _setting("TRUST_ANCHORS", "--trust-anchors", "PEM file of authorities to trust for Content Credentials."),
]
TrustLists = Annotated[
    bool,
    _setting(
        "TRUST_LISTS",
        "--trust-lists/--no-trust-lists",
        "Recognize signers on the public trust lists; see `veraface trust`.",
    ),
]
WordsOnly = Annotated[bool, _setting("WORDS_ONLY", "--words-only", "Show no probabilities.")]
NeverSayReal = Annotated[
    bool,
    _setting(
        "NEVER_SAY_REAL", "--never-say-real", "Show 'no sign of forgery found' instead of 'likely real'."
    ),
]
LabeledData = Annotated[Path, Option(help="Manifest (.csv, .parquet), or a folder with real/ and fake/.")]
SkipBad = Annotated[bool, Option("--skip-bad", help="Skip unreadable images.")]
MaxFpr = Annotated[float, Option(help="Target false positive rate (reals with the verdict fake).")]
MaxFnr = Annotated[float, Option(help="Target false negative rate (fakes with the verdict real).")]
