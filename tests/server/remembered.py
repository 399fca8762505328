"""Entries of the history, stored through the page's own module, and helpers to find them."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

# Puts entries into the history by the page's own module, one second apart, the first the newest.
SEED = """async (entries) => {
    const { remember } = await import("/static/js/history.js");
    const face = { box: [10, 10, 20, 20], landmarks: [], detection_score: 0.9, p_fake: 0.04,
        verdict: "real", reasons: [] };
    const model = { name: "lite", version: "1.2", sha256: "ab" };
    const answer = { success: true, verdict: "real", p_fake: 0.04, faces: [face], reasons: [],
        width: 64, height: 48, format: "PNG", model,
        thresholds: { real: 0.2, fake: 0.8 }, timing_ms: { total: 20 } };
    const canvas = new OffscreenCanvas(64, 48);
    canvas.getContext("2d").fillRect(0, 0, 32, 48);
    const picture = await canvas.convertToBlob({ type: "image/webp" });
    for (const [index, entry] of entries.entries()) {
        const usual = { id: `entry-${index}`, time: Date.now() - 1000 * index, name: `${index}.jpg`,
            size: 1000, hash: null, verdict: "real", p_fake: 0.04, answer, failure: null, picture };
        await remember({ ...usual, ...entry });
    }
}"""
ANSWER = {
    "faces": [
        {
            "box": [1.5, 2, 30, 40],
            "p_fake": 0.97,
            "verdict": "fake",
            "heatmap": {"box": [0, 0, 50, 50], "grid": [[0.1234, 1.0], [0.0, 0.5]]},
        }
    ],
    "model": {"name": "lite", "version": "1.2", "sha256": "ab"},
    "thresholds": {"real": 0.2, "fake": 0.8},
}
MIXED: list[dict[str, Any]] = [
    {"name": "anna.jpg", "verdict": "fake", "p_fake": 0.97, "hash": "ab12" + 60 * "0", "answer": ANSWER},
    {"name": "Bob Árbol.png", "verdict": "real"},
    {"name": "carla.jpg", "verdict": "uncertain", "p_fake": 0.5, "hash": "cd34" + 60 * "0"},
    {"name": "wall.jpg", "verdict": "no_face", "p_fake": None, "failure": {"code": "no_face"}},
    {"name": "x.jpg", "verdict": "failed", "p_fake": None, "failure": {"code": "face_too_small"}},
]


def names(page: Page) -> list[str]:
    return page.locator(".past:visible .card-link").all_text_contents()


def stored(page: Page) -> list[dict[str, Any]]:
    script = """async () => (await (await import("/static/js/history.js")).list())
        .map(({ picture, ...entry }) => ({ ...entry, picture: picture?.size ?? null }))"""
    entries: list[dict[str, Any]] = page.evaluate(script)
    return entries


def select(page: Page, *indices: int) -> None:
    for index in indices:
        page.locator(".past").nth(index).hover()
        page.locator(".past-select input").nth(index).check()


def saved(page: Page, button: Locator) -> str:
    with page.expect_download() as download:
        button.click()
    assert re.fullmatch(r"veraface-history-\d{4}-\d\d-\d\d\.(json|csv)", download.value.suggested_filename)
    return Path(download.value.path()).read_bytes().decode()


def acts(page: Page, name: str) -> Locator:
    return page.locator(".history-acts").get_by_role("button", name=name)
