"""The answer in a report: the same as on the page, for every verdict and reason."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import veraface
from veraface.detector import Detector
from veraface.report.answer import answer_of, band_text, face_answer_of, span_of, worst_first
from veraface.report.texts import LANGUAGES, Language
from veraface.wording import Wording

STATIC = Path(veraface.__file__).parent / "server/static"
TEXTS = json.loads((STATIC / "languages/en.json").read_text("utf-8"))
THRESHOLDS = {"real": 0.17, "fake": 0.82}
RELIABILITY = {
    "fake_of_100": 97,
    "face_size": "128 to 256 px",
    "false_positive_rate": 0.002,
    "recall": 0.32,
    "false_negative_rate": 0.04,
    "real": 1761,
    "fake": 1385,
}
ENDS = (0.0, 0.004, 0.1699, 0.17, 0.1701, 0.5, 0.8199, 0.82, 0.9, 0.995)
# Runs the page's module on results and prints its answers.
SCRIPT = """
import { readFileSync } from "node:fs";
const root = process.argv[1];
const language = process.argv[3];
globalThis.fetch = async () => new Response(readFileSync(`${root}/languages/${language}.json`));
const { use } = await import(`${root}/js/language.js`);
const { answerOf } = await import(`${root}/js/answer.js`);
const { setWording } = await import(`${root}/js/wording.js`);
await use(language);
setWording(JSON.parse(process.argv[2]));
const results = JSON.parse(readFileSync(0, "utf-8"));
console.log(JSON.stringify(results.map(answerOf)));
"""


def face(verdict: str, low: float | None, high: float | None = None, *codes: str) -> dict[str, Any]:
    span = None if low is None else [low, low if high is None else high]
    reasons = [{"code": code, "message": code} for code in codes]
    return {"verdict": verdict, "p_fake": low, "p_fake_range": span, "reasons": reasons}


def result(*faces: dict[str, Any], **more: Any) -> dict[str, Any]:
    worst = worst_first(faces)[0]
    about = {name: worst[name] for name in ("verdict", "p_fake", "p_fake_range")}
    return {**about, "faces": faces, "reasons": [], "thresholds": THRESHOLDS, "reliability": None, **more}


def results() -> list[dict[str, Any]]:
    verdicts = ("fake", "real", "uncertain")
    spans = [(low, high) for low, high in product(ENDS, ENDS) if low <= high]
    found = [result(face(verdict, *span)) for verdict, span in product(verdicts, spans)]
    for code in TEXTS["reasons"]:
        found.append(result(face("uncertain", 0.5, 0.9, code)))
        found.append(result(face("uncertain", None, None, code), p_fake=None))
        image = [{"code": code, "message": ""}]
        found.append(result(face("real", 0.1), verdict="uncertain", reasons=image))
    found += [result(face(verdict, 0.5), reliability=RELIABILITY) for verdict in verdicts]
    rates = {"false_positive_rate": 0.0, "false_negative_rate": 0.3, "fake_of_100": 100, "face_size": "all"}
    found += [result(face(verdict, 0.5), reliability={**RELIABILITY, **rates}) for verdict in verdicts]
    people = [face("real", 0.1), face("fake", 0.9, 0.95), face("uncertain", 0.4), face("fake", 0.99)]
    people.append(face("uncertain", None, None, "face_too_small"))
    found += [result(*people[:count]) for count in range(1, 6)]
    found.append(result(people[0], people[0]))
    found += [
        result(*people[:1] * real, *people[1:2] * fake) for real, fake in ((1, 3), (12, 2), (3, 11), (1, 102))
    ]
    older = result(face("uncertain", 0.88, None, "changes_under_recompression"))
    del older["p_fake_range"], older["faces"][0]["p_fake_range"]
    return [*found, older]


@pytest.mark.parametrize("wording", [Wording(*modes) for modes in product((False, True), repeat=2)], ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_the_answer_of_the_page(wording: Wording, language: Language) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node")
    made_up = results()
    command = [node, "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--input-type=module", "-e", SCRIPT]
    done = subprocess.run(
        [*command, str(STATIC), json.dumps(vars(wording)), language],
        input=json.dumps(made_up),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for one, expected in zip(made_up, json.loads(done.stdout), strict=True):
        own = answer_of(one, wording, language)
        shown = {name: getattr(own, name) for name in ("verdict", "name", "range", "why", "count", "worth")}
        shown |= {"open": own.open, "steps": list(own.steps), "caveat": own.caveat}
        assert shown == {name: expected[name] for name in shown}, one


def test_nothing_is_called_real_where_it_must_not_be() -> None:
    """Neither in the answer about an image, nor about a face, nor in the reading of the scale."""
    wording = Wording(never_say_real=True)
    for one in results():
        faces = [face_answer_of(each, THRESHOLDS, wording) for each in one["faces"]]
        for answer in (answer_of(one, wording), *faces):
            assert not re.search(r"\breal\b", str(replace(answer, verdict="")), re.IGNORECASE), one
    assert "real" not in band_text(THRESHOLDS, wording)
    found = answer_of(result(face("real", 0.1), reliability=RELIABILITY), wording)
    assert found.worth == "Of 100 faces in our test that got this verdict, 97 were fake."


def test_the_verdict_and_the_span_never_contradict_each_other() -> None:
    for one in results():
        span = span_of(one, THRESHOLDS)
        if span is None:
            continue
        zones = {"fake" if p >= 0.82 else "real" if p <= 0.17 else "uncertain" for p in span}
        assert one["verdict"] == (zones.pop() if len(zones) == 1 else "uncertain")


def test_every_photo_has_a_number_that_agrees_with_its_verdict() -> None:
    """Of the shared data, where there are any."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("VERAFACE_DATA", root.parent / "shared/data")) / "photos"
    photos = sorted([*folder.glob("*/*.jpg"), *folder.glob("*/*.png")])[::8]
    if not photos:
        pytest.skip(f"no photos at {folder}; set VERAFACE_DATA to the folder above them")
    detector = Detector()
    for photo in photos:
        found = detector.detect(photo, heatmap=False).to_dict()
        if found["p_fake"] is not None:
            assert answer_of(found).range, photo
