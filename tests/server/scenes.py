"""Every view and state of the page, built from scratch so that it always looks the same.

The server and the browser are real; the answers are written down here, so that no timing and no last digit of
a model shows in a reference image.
"""

import base64
import io
import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import skimage.data
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.server.page import choose, choose_many, expect_state, give, read_status
from tests.waiting import wait_until
from veraface.models.registry import load_card

HASH = re.compile("[0-9a-f]{64}")
NOW = "2026-03-14T09:26:53Z"
THRESHOLDS = {"real": 0.2, "fake": 0.8}
MODEL = {"name": "veraface-lite0", "version": "0.1.0", "sha256": "0" * 64}
TIMING = {"decode": 3.2, "faces": 21.0, "model": 14.5, "total": 38.7}
STATUS = {
    "loaded": True,
    "limits": {"max_upload_bytes": 26_214_400, "max_pixels": 52_000_000, "links": False, "reports": True},
    **MODEL,
}
# Evidence that is strongest in the middle of the face.
GRID = [[max(0.0, 1 - 0.22 * ((x - 2.5) ** 2 + (y - 2.5) ** 2)) for x in range(6)] for y in range(6)]


@cache
def portrait() -> bytes:
    return _jpeg(Image.fromarray(skimage.data.astronaut()))


@cache
def two_faces() -> bytes:
    sheet = Image.new("RGB", (960, 512), (90, 100, 110))
    one = Image.fromarray(skimage.data.astronaut())
    sheet.paste(one, (0, 0))
    sheet.paste(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((400, 400)), (540, 60))
    return _jpeg(sheet)


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


# Shares of the box: eyes, nose, corners of the mouth.
LANDMARKS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.78), (0.65, 0.78))
RELIABILITY = {
    "fake_of_100": 97,
    "face_size": "64 to 128 px",
    "false_positive_rate": 0.002,
    "recall": 0.32,
    "false_negative_rate": 0.04,
    "real": 1761,
    "fake": 1385,
}


def face(p_fake: float | None, box: tuple[float, ...] = (178, 58, 94, 122)) -> dict[str, Any]:
    verdict = "uncertain" if p_fake is None or 0.2 < p_fake < 0.8 else "fake" if p_fake >= 0.8 else "real"
    x, y, width, height = box
    around = [x - width / 4, y - height / 8, 1.5 * width, 1.25 * height]
    grid = [[0.5 + (p_fake - 0.5) * value for value in row] for row in GRID] if p_fake is not None else []
    reason = {"code": "face_too_small", "message": "the face is too small to classify"}
    return {
        "box": list(box),
        "landmarks": [[x + width * a, y + height * b] for a, b in LANDMARKS],
        "detection_score": 0.999,
        "p_fake": p_fake,
        "p_fake_range": None if p_fake is None else [max(0.0, p_fake - 0.01), p_fake],
        "verdict": verdict,
        "reasons": [] if p_fake is not None else [reason],
        **({"heatmap": {"box": around, "grid": grid}} if p_fake is not None else {}),
    }


def answer(faces: list[dict[str, Any]], size: tuple[int, int] = (512, 512), **more: Any) -> dict[str, Any]:
    top = max(faces, key=lambda found: found["p_fake"] or 0)
    return {
        "success": True,
        "verdict": top["verdict"],
        "p_fake": top["p_fake"],
        "p_fake_range": top["p_fake_range"],
        "reliability": RELIABILITY,
        "faces": faces,
        "reasons": [],
        "width": size[0],
        "height": size[1],
        "format": "JPEG",
        "model": MODEL,
        "thresholds": THRESHOLDS,
        "timing_ms": TIMING,
        **more,
    }


def fails(page: Page, status: int, code: str, message: str = "", **more: Any) -> None:
    body = {"success": False, "error": {"code": code, "message": message}, **more}
    headers = {"Retry-After": "30"}
    page.route("**/api/predict*", lambda route: route.fulfill(status=status, json=body, headers=headers))


def answers(page: Page, body: dict[str, Any]) -> None:
    page.route("**/api/predict*", lambda route: route.fulfill(json=body))


def with_result(p_fake: float) -> Callable[[Page], None]:
    def scene(page: Page) -> None:
        answers(page, answer([face(p_fake)]))
        choose(page, portrait(), "portrait.jpg")
        expect_state(page, "analyzed")
        expect(page.locator(".details")).to_contain_text(HASH)  # the hash has come

    return scene


def failed(
    status: int, code: str, message: str = "", content: bytes = b"", **more: Any
) -> Callable[[Page], None]:
    def scene(page: Page) -> None:
        fails(page, status, code, message, **more)
        choose(page, content or portrait(), "portrait.jpg")
        expect_state(page, "failed")

    return scene


def empty(page: Page) -> None:
    expect(page.locator("#limit")).to_contain_text("MB")


def with_links(page: Page) -> None:
    limits = {**STATUS["limits"], "links": True}
    page.route("**/api/model-status", lambda route: route.fulfill(json={**STATUS, "limits": limits}))
    read_status(page)
    expect(page.locator("#link")).to_be_visible()


def waiting_for_the_person(page: Page) -> None:
    page.locator("#options summary").click()
    page.locator("#at-once").uncheck()
    choose(page, portrait(), "portrait.jpg")
    expect_state(page, "ready")


def analyzing(page: Page) -> None:
    held: list[Route] = []
    page.route("**/api/predict*", lambda route: held.append(route))
    choose(page, portrait(), "portrait.jpg")
    expect_state(page, "analyzing")
    wait_until(lambda: page.evaluate("document.querySelector('#image').naturalWidth > 0"))


def cancelled(page: Page) -> None:
    analyzing(page)
    page.keyboard.press("Escape")
    expect_state(page, "cancelled")


def busy(page: Page) -> None:
    fails(page, 503, "overloaded")
    choose(page, portrait(), "portrait.jpg")
    expect_state(page, "busy")


def loading(page: Page) -> None:
    page.route("**/api/model-status", lambda route: route.fulfill(json={**STATUS, "loaded": False}))
    read_status(page)
    fails(page, 503, "not_ready")
    choose(page, portrait(), "portrait.jpg")
    expect_state(page, "busy")
    expect(page.locator("#banner")).to_be_visible()


def unreachable(page: Page) -> None:
    page.route("**/api/**", lambda route: route.abort())
    page.evaluate("dispatchEvent(new Event('offline'))")
    choose(page, portrait(), "portrait.jpg")
    expect_state(page, "failed")
    expect(page.locator("#banner")).to_be_visible()


def disagreeing(page: Page) -> None:
    message = "the faces of this image do not all get the same verdict"
    faces = [face(0.04), face(0.96, (705, 105, 67, 83))]
    answers(page, answer(faces, (960, 512), reasons=[{"code": "faces_disagree", "message": message}]))
    choose(page, two_faces(), "party.jpg")
    expect_state(page, "analyzed")
    expect(page.locator(".details")).to_contain_text(HASH)


def without_preview(page: Page) -> None:
    answers(page, answer([face(0.5)], format="TIFF"))
    choose(page, b"II*\0" + b"\0" * 400, "scan.tif", "image/tiff")
    expect_state(page, "analyzed")
    expect(page.locator(".details")).to_contain_text(HASH)


def zoom_in(page: Page) -> None:
    page.keyboard.press("0")
    for share in ("100%", "165%", "272%"):
        expect(page.locator(".zoom-share")).to_have_text(share)
        if share != "272%":
            page.keyboard.press("+")


def zoomed(page: Page) -> None:
    with_result(0.97)(page)
    zoom_in(page)


def graded(page: Page) -> None:
    """The findings of a result, unfolded."""
    rates = {"error_rates": RELIABILITY}
    kinds = (
        ("model", "verdict_fake", "inferred", "Likely fake", rates),
        ("provenance", "compressed_twice", "inferred", "traces of an earlier, stronger compression", {}),
        ("provenance", "credentials_absent", "observed", "Content Credentials: none", {}),
    )
    findings = [
        {"origin": origin, "code": code, "grade": grade, "message": message, "limitation": code, **more}
        for origin, code, grade, message, more in kinds
    ]
    answers(page, answer([face(0.97)], findings=findings))
    choose(page, portrait(), "portrait.jpg")
    expect_state(page, "analyzed")
    expect(page.locator(".details")).to_contain_text(HASH)
    page.locator(".grades summary").click()
    page.locator(".grades").scroll_into_view_if_needed()


def verified(page: Page) -> None:
    known = {
        "name": "portrait.jpg",
        "sha256": "5" * 64,
        "time": "2026-03-14T09:26:53+00:00",
        "verdict": "fake",
    }
    body = {"intact": True, "own_key": False, "fingerprint": "0" * 64, **known}
    page.route("**/api/v1/report/verify", lambda route: route.fulfill(json=body))
    file = {"name": "portrait-report.html", "mimeType": "text/html", "buffer": b"<!doctype html>"}
    page.set_input_files("#report-file", [file])
    expect(page.locator("#verify-outcome dl")).to_be_visible()


FOUR = ["one.jpg", "two.jpg", "three.jpg", "four.jpg"]


def listed(page: Page) -> None:
    bodies = [answer([face(p)]) for p in (0.97, 0.03, 0.5)]

    def next_answer(route: Route) -> None:
        name = next(
            (
                index
                for index, name in enumerate(FOUR)
                if name.encode() in (route.request.post_data_buffer or b"")
            ),
            3,
        )
        if name < 3:
            route.fulfill(json=bodies[name])
        else:
            body = {"success": False, "error": {"code": "no_face", "message": ""}}
            route.fulfill(status=422, json=body)

    page.route("**/api/predict*", next_answer)
    choose_many(page, [(name, portrait()) for name in FOUR])
    expect(page.locator("#count")).to_contain_text("4 of 4")


def listing(page: Page) -> None:
    held: list[Route] = []
    page.route("**/api/predict*", lambda route: held.append(route))
    choose_many(page, [(name, portrait()) for name in FOUR])
    expect(page.locator('.card[data-state="analyzing"]')).to_have_count(2)


def explained(page: Page) -> None:
    give(page, "drop", [])
    expect(page.locator("#notice")).to_be_visible()


def keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def camera(page: Page) -> None:
    page.keyboard.press("c")
    page.locator("#camera-shoot").click()
    expect(page.locator("#camera-use")).to_be_visible()


def remember(page: Page) -> None:
    """Store four results of the last days."""
    image = base64.b64encode(portrait()).decode()
    entries = [
        {
            "name": name,
            "verdict": verdict,
            "p_fake": p,
            "answer": answer([face(p)]) if p is not None else None,
        }
        for name, verdict, p in zip(
            FOUR, ("fake", "real", "uncertain", "no_face"), (0.97, 0.03, 0.5, None), strict=True
        )
    ]
    page.evaluate(
        """async ([entries, image]) => {
            const history = await import("/static/js/history.js");
            const bytes = Uint8Array.from(atob(image), (c) => c.charCodeAt(0));
            for (const [at, entry] of entries.entries()) {
                await history.remember({
                    id: `entry-${at}`, time: Date.now() - at * 36e5 * 13,
                    size: bytes.length, hash: "5e".repeat(32),
                    failure: entry.verdict === "no_face" ? { code: "no_face", message: "" } : null,
                    picture: new Blob([bytes], { type: "image/jpeg" }), ...entry,
                });
            }
        }""",
        [entries, image],
    )


def remembered(path: str, ready: str) -> Callable[[Page], None]:
    def scene(page: Page) -> None:
        remember(page)
        page.locator("#pages").get_by_role("link", name=path).click()
        expect(page.locator(ready).first).to_be_visible()

    return scene


def none_matches(page: Page) -> None:
    remembered("History", ".card")(page)
    page.get_by_role("searchbox").fill("nothing is called so")
    expect(page.locator(".card:visible")).to_have_count(0)


def deleting(page: Page) -> None:
    remembered("History", ".card")(page)
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def history_off(page: Page) -> None:
    page.locator("#main").get_by_role("switch").uncheck()


def shown(*selectors: str) -> Callable[[Page], None]:
    def scene(page: Page) -> None:
        for selector in selectors:
            expect(page.locator(selector).first).to_be_visible()

    return scene


def measured(page: Page) -> None:
    """The default model's card, whatever model the server has."""
    page.route("**/api/model", lambda route: route.fulfill(json=load_card().to_dict()))
    page.reload()
    expect(page.locator("#main .kinds").first).to_be_visible()


def unmeasured(page: Page) -> None:
    page.route("**/api/model", lambda route: route.abort())
    page.reload()
    expect(page.locator("#main button, #main [role=alert], #main [role=status]").first).to_be_visible()


def video_answer() -> dict[str, Any]:
    """Return the result for a video of two faces, the second from half of the time on."""
    image = Image.open(io.BytesIO(two_faces())).reduce(3)
    thumbnail = f"data:image/jpeg;base64,{base64.b64encode(_jpeg(image)).decode()}"
    times = [0.25 + 0.5 * number for number in range(24)]
    scores = [0.05 + 0.01 * (number % 3) for number in range(24)]
    others = [0.55 if number < 14 else 0.97 for number in range(24)]

    def track(box: tuple[float, ...], points: list[tuple[float, float]], p_fake: float) -> dict[str, Any]:
        frames = [{"time": time, "box": list(box), "p_fake": p} for time, p in points]
        verdict = "fake" if p_fake >= 0.8 else "real"
        return {
            "verdict": verdict,
            "p_fake": p_fake,
            "best": len(frames) - 1,
            "reasons": [],
            "frames": frames,
        }

    second = list(zip(times, others, strict=True))[12:]
    points = [max(scores[at], others[at] if at >= 12 else 0) for at in range(24)]
    tracks = [
        track((178, 58, 94, 122), list(zip(times, scores, strict=True)), 0.06),
        track((705, 105, 67, 83), second, 0.97),
    ]
    timeline = [{"time": t, "p_fake": p, "thumbnail": thumbnail} for t, p in zip(times, points, strict=True)]
    whole = {"verdict": "fake", "p_fake": 0.97, "tracks": tracks, "timeline": timeline, "reasons": []}
    file = {"duration": 12.0, "rate": 25.0, "rotation": 0, "format": "avi", "codec": "mpeg4"}
    size = {"width": 960, "height": 512}
    return {**whole, **file, **size, "model": MODEL, "thresholds": THRESHOLDS, "timing_ms": {"total": 4200.0}}


def video(page: Page) -> None:
    """A video that the browser cannot play: no decoder's work shows in the reference."""
    limits = {**STATUS["limits"], "video": True, "max_video_bytes": 104_857_600}
    page.route("**/api/model-status", lambda route: route.fulfill(json={**STATUS, "limits": limits}))
    body = f"event: result\ndata: {json.dumps(video_answer())}\n\n"
    page.route(
        "**/api/predict-video*", lambda route: route.fulfill(content_type="text/event-stream", body=body)
    )
    read_status(page)
    expect(page.locator("#limit")).to_contain_text("videos up to 100 MB")
    choose(page, b"RIFF" + b"\0" * 400, "clip.avi", "video/x-msvideo")
    expect_state(page, "analyzed")
    expect(page.locator(".details")).to_contain_text(HASH)
    expect(page.locator(".video-note")).to_be_visible()


# What a scene has to do again once the page has another size.
AFTER_RESIZE: dict[str, Callable[[Page], None]] = {"zoomed": zoom_in}

# name: (address, what brings it about)
SCENES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "empty": ("/", empty),
    "links": ("/", with_links),
    "notice": ("/", explained),
    "ready": ("/", waiting_for_the_person),
    "analyzing": ("/", analyzing),
    "cancelled": ("/", cancelled),
    "busy": ("/", busy),
    "loading": ("/", loading),
    "unreachable": ("/", unreachable),
    "fake": ("/", with_result(0.97)),
    "real": ("/", with_result(0.03)),
    "uncertain": ("/", with_result(0.55)),
    "findings": ("/", graded),
    "disagreeing": ("/", disagreeing),
    "without-preview": ("/", without_preview),
    "zoomed": ("/", zoomed),
    "video": ("/", video),
    "no-face": ("/", failed(422, "no_face", width=512, height=512, faces=[])),
    "too-small": ("/", failed(422, "face_too_small", width=512, height=512, faces=[face(None)])),
    "unsupported": ("/", failed(415, "unsupported_image", content=b"%PDF-1.7")),
    "too-large": ("/", failed(413, "image_too_large", "the image has more pixels than this server takes")),
    "corrupt": ("/", failed(422, "unreadable_image", "the file ends too early", content=b"\xff\xd8\xff")),
    "missing": ("/result/0123456789abcdef01234567", shown("#main h1")),
    "listing": ("/", listing),
    "listed": ("/", listed),
    "keys": ("/", keys),
    "camera": ("/", camera),
    "history": ("/", remembered("History", ".card")),
    "history-empty": ("/history", shown("#main h1")),
    "history-off": ("/history", history_off),
    "history-no-match": ("/", none_matches),
    "history-delete": ("/", deleting),
    "dashboard": ("/dashboard", measured),
    "dashboard-without": ("/dashboard", unmeasured),
    "about": ("/about", shown("#main h1")),
    "verify": ("/verify", verified),
}
