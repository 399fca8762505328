"""README and quick start show what the default model gives today."""

import re

import pytest

from tests.docs.pages import ROOT
from veraface import detect
from veraface.models.registry import load_model
from veraface.wording import PLAIN

SAMPLE = ROOT / "src/veraface/server/static/samples/generated.jpg"
OTHER_PROCESSORS = 0.01  # INT8 products are rounded otherwise where the processor has no VNNI


def test_the_sample_has_the_scores_that_are_shown() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    quick_start = (ROOT / "docs/quick-start.md").read_text("utf-8")
    result = detect(SAMPLE)
    shown = re.search(r"generated\.jpg: (\w+) \(([\d.]+)\.\.\., ([\d.]+)\.\.\.\)", readme)
    assert shown
    assert shown[1] == result.verdict.value
    assert result.p_fake_range == pytest.approx((float(shown[2]), float(shown[3])), abs=OTHER_PROCESSORS)
    for pattern in (r"# fake ([\d.]+)\.\.\.", r"photo\.jpg +likely fake +([\d.]+)"):
        (score,) = re.findall(pattern, quick_start)
        assert result.p_fake == pytest.approx(float(score), abs=OTHER_PROCESSORS)


def test_the_quick_start_names_the_thresholds() -> None:
    thresholds = load_model().card.thresholds
    assert PLAIN.scale(thresholds.real, thresholds.fake) in (ROOT / "docs/quick-start.md").read_text("utf-8")
