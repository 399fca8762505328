"""The answer about an image in words: the texts of the page, chosen by the same rules.

`js/answer.js` has the rules for the page, the extension and saved images; a test compares both.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from veraface.report.texts import Language, Texts, texts_in
from veraface.wording import PLAIN, Wording

_CLEAR = ("fake", "real")
_ORDER = ("fake", "uncertain", "real", "unclassified")
# Reasons that are remarks: they do not explain why a result is uncertain.
_REMARKS: tuple[str, ...] = ("faces_disagree", "faces_too_small", "small_face", "several_frames")
_REMARKS += ("color_not_converted", "short_scenes", "faces_left_out")
_SMALL = ("small_face", "face_too_small", "faces_too_small")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """The answer about an image, or about one of its faces."""

    verdict: str
    """fake, real, uncertain, unclassified or no_face"""
    name: str
    span: tuple[float, float] | None
    """None where a number would contradict the verdict, or there is none"""
    range: str | None
    """the same as text: "61 to 88%" """
    why: str
    count: str | None = None
    """a sentence for several faces"""
    worth: str | None = None
    """what the verdict is worth in frequencies; None without measured figures"""
    open: str | None = None
    """what it does not rule out"""
    steps: tuple[str, ...] = ()
    caveat: str = ""


def answer_of(result: Json, wording: Wording = PLAIN, language: Language = "en") -> Answer:
    """Return the answer about an image from its result as JSON, in that wording and language."""
    texts = texts_in(language, wording.never_say_real)
    faces, verdict = result["faces"], _verdict(result)
    caveat = texts("answer.notProof")
    if result["verdict"] == "no_face":
        name, why = (texts(f"faults.no_face.{part}") for part in ("name", "detail"))
        return Answer("no_face", name, None, None, why, caveat=caveat)
    span = span_of(result, result["thresholds"], wording)
    count = _count(texts, faces) if len(faces) > 1 else None
    return Answer(
        verdict,
        _name(texts, result),
        span,
        None if span is None else range_text(span, result["thresholds"], language),
        count if count and verdict in _CLEAR else _why(texts, result, faces),
        count,
        _worth(texts, verdict, result.get("reliability")),
        _open(texts, verdict, result.get("reliability")),
        tuple(texts(f"answer.steps.{step}") for step in _steps(verdict, (result, *faces))),
        caveat,
    )


def face_answer_of(
    face: Json, thresholds: Json, wording: Wording = PLAIN, language: Language = "en"
) -> Answer:
    """Return the answer about one face, in that wording and language."""
    texts, span = texts_in(language, wording.never_say_real), span_of(face, thresholds, wording)
    range_ = None if span is None else range_text(span, thresholds, language)
    return Answer(_verdict(face), _name(texts, face), span, range_, _why(texts, face, ()))


def worst_first(faces: Sequence[Json]) -> list[Json]:
    """Return the faces, the most suspicious first."""

    def highest(face: Json) -> float:
        span = face.get("p_fake_range")
        return float(span[1] if span else -1 if face["p_fake"] is None else face["p_fake"])

    return sorted(faces, key=lambda face: (_ORDER.index(_verdict(face)), -highest(face)))


def span_of(result: Json, thresholds: Json, wording: Wording = PLAIN) -> tuple[float, float] | None:
    """Return the lowest and highest p_fake of a face or image; None where they contradict its verdict.

    None also where the wording shows no probabilities.
    """
    if result["p_fake"] is None or wording.words_only:
        return None
    low, high = result.get("p_fake_range") or (result["p_fake"], result["p_fake"])
    zones = {_zone(low, thresholds), _zone(high, thresholds)}
    agrees = result["verdict"] == (zones.pop() if len(zones) == 1 else "uncertain")
    return (low, high) if agrees else None


def range_text(span: tuple[float, float], thresholds: Json, language: Language = "en") -> str:
    """Return the range in percent; no value is rounded into the zone of another verdict."""
    texts = texts_in(language)
    low, high = (_points(p, thresholds) for p in span)
    end = texts.isolated(texts.percent(high))
    return end if low == high else texts.isolated(texts("answer.range", low=low, high=end))


def band_text(thresholds: Json, wording: Wording = PLAIN, language: Language = "en") -> str:
    """Return how the scale is read, in that wording and language."""
    texts = texts_in(language, wording.never_say_real)
    whole = (str(_rounded(100 * thresholds[name])) for name in _CLEAR[::-1])
    real, fake = (texts.isolated(texts.percent(value)) for value in whole)
    return texts("result.bandText", real=real, fake=fake)


def _points(p: float, thresholds: Json) -> str:
    if p < 0.01 or p > 0.99:
        return "<1" if p < 0.01 else ">99"
    whole = _rounded(100 * p)
    if thresholds["real"] < p < thresholds["fake"]:
        real, fake = (_rounded(100 * thresholds[name]) for name in ("real", "fake"))
        whole = max(min(whole, fake - 1), real + 1)
    return str(whole)


def _zone(p: float, thresholds: Json) -> str:
    return "fake" if p >= thresholds["fake"] else "real" if p <= thresholds["real"] else "uncertain"


def _verdict(result: Json) -> str:
    return "unclassified" if result["p_fake"] is None else result["verdict"]


def _name(texts: Texts, result: Json) -> str:
    if _verdict(result) != "unclassified":
        return texts(f"verdicts.{result['verdict']}.name")
    known = (code for code in _codes(result) if texts.has(f"answer.unclassified.{code}"))
    code = next(known, None)
    return texts(f"answer.unclassified.{code}" if code else "verdicts.uncertain.name")


def _why(texts: Texts, result: Json, faces: Sequence[Json]) -> str:
    verdict = _verdict(result)
    if verdict in _CLEAR:
        return texts(f"verdicts.{verdict}.detail")
    worst = worst_first(faces)[0] if faces else result
    codes = (code for code in _codes(result, worst) if code not in _REMARKS)
    cause = next((code for code in codes if texts.has(f"reasons.{code}")), None)
    if cause is None:
        return texts("verdicts.uncertain.detail")
    if cause == "changes_under_recompression" and worst["p_fake"] is not None:
        return texts(f"answer.unstable.{'fake' if worst['p_fake'] > 0.5 else 'real'}")
    return texts(f"reasons.{cause}")


def _count(texts: Texts, faces: Sequence[Json]) -> str:
    counted = {verdict: sum(_verdict(face) == verdict for face in faces) for verdict in _ORDER}
    if counted["real"] == len(faces):
        return texts("answer.faces.allReal", all=len(faces))
    parts = [
        texts(f"answer.faces.{verdict}", count=counted[verdict], all=len(faces))
        for verdict in _ORDER
        if counted[verdict] or verdict == "fake"
    ]
    return texts("answer.sentence", text=texts.joined(parts))


def _worth(texts: Texts, verdict: str, reliability: Json | None) -> str | None:
    if not reliability or verdict == "unclassified":
        return None

    def shown(count: float) -> str:  # a sample never proves that all of them are
        return ">99" if count > 99 else "<1" if count < 1 else str(_rounded(count))

    fake = reliability["fake_of_100"]
    return texts(f"answer.worth.{verdict}", fake=shown(fake), real=shown(100 - fake))


def _open(texts: Texts, verdict: str, reliability: Json | None) -> str:
    if verdict not in _CLEAR:
        return texts("answer.open.uncertain")
    if not reliability:
        return texts(f"answer.openUnmeasured.{verdict}")
    rate: float = reliability["false_positive_rate" if verdict == "fake" else "false_negative_rate"]
    of = 1000 if rate < 0.01 else 100
    count = "<1" if rate * of < 0.5 else str(_rounded(rate * of))
    size = "" if reliability["face_size"] == "all" else texts("answer.thisSize")
    return texts(f"answer.open.{verdict}", count=count, all=texts.number(of), size=size).replace("  ", " ")


def _steps(verdict: str, results: Sequence[Json]) -> tuple[str, ...]:
    if verdict in _CLEAR:
        return "search", "original", "compare"
    small = any(code in _SMALL for code in _codes(*results))
    return ("larger", "original", "compare") if small else ("original", "search", "compare")


def _codes(*results: Json) -> list[str]:
    return [reason["code"] for result in results for reason in result["reasons"]]


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)  # as JavaScript rounds
