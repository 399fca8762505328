"""A result: the image with face boxes and heatmap, the verdict, and its actions."""

import hashlib
import re
from collections.abc import Callable

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.server.page import (
    bounds,
    choose,
    choose_many,
    expect_fault,
    expect_state,
    expect_verdict,
    percent,
    settle,
    shown_range,
)
from tests.server.shared_page import at_home, start_over
from tests.waiting import wait_until

OpenPage = Callable[..., Page]
Predict = Callable[..., httpx.Response]

INK = """() => {
    const canvas = document.querySelector("#evidence");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let i = 3; i < data.length; i += 4) ink += data[i];
    return ink;
}"""


@pytest.fixture
def page(page: Page) -> Page:
    """The start page, with the list of the files of tests before."""
    return at_home(page)


@pytest.fixture
def result_page(page: Page, face: bytes) -> Page:
    """The result of a face, analyzed for the first test and opened again for others."""
    return open_result(page, face, "holiday.jpg")


@pytest.fixture
def two_faced_page(page: Page, two_faces: bytes) -> Page:
    return open_result(page, two_faces, "two.jpg")


def open_result(page: Page, image: bytes, name: str) -> Page:
    if page.locator(".card-link", has_text=name).count():
        page.locator(".card-link", has_text=name).click()
    else:
        choose(page, image, name)
    expect(page.locator("#filename")).to_have_text(name)
    expect_state(page, "analyzed")
    return page


def test_a_chosen_file_is_shown_and_analyzed(result_page: Page, predict: Predict, face: bytes) -> None:
    answer = predict(face).json()
    page = result_page
    expect_verdict(page, answer)
    expect(page.locator("#filename")).to_have_text("holiday.jpg")
    assert page.evaluate("document.querySelector('#image').naturalWidth") == 512
    details = page.locator(".details")
    expect(details).to_contain_text(answer["model"]["name"])
    expect(details).to_contain_text("JPEG, 512 × 512")
    expect(details).to_contain_text("kB")
    expect(page.locator(".provenance .credentials")).to_contain_text("Content Credentials")
    expect(page.locator(".provenance")).to_contain_text("does not affect the verdict")
    for stage in ("decode", "find faces", "classify"):
        expect(page.locator(".timing")).to_contain_text(re.compile(rf"{stage} [\d.]+ ms"))
    thresholds = answer["thresholds"]
    expect(page.locator(".answer-more")).to_contain_text(percent(thresholds["real"]))
    expect(page.locator(".answer-more")).to_contain_text(percent(thresholds["fake"]))
    expect(page.locator(".hash dd")).to_have_text(
        hashlib.sha256(face).hexdigest()
    )  # laid out for the last time
    settle(page)
    marker = page.locator(".marker").evaluate(
        "m => (m.getBoundingClientRect().x + 2 - m.parentNode.getBoundingClientRect().x)"
        " / m.parentNode.getBoundingClientRect().width"
    )
    assert marker == pytest.approx(answer["p_fake_range"][0], abs=0.02)


def test_the_band_in_which_nothing_is_decided_is_drawn_to_scale(
    result_page: Page, predict: Predict, face: bytes
) -> None:
    thresholds = predict(face).json()["thresholds"]
    page = result_page
    bar, band = bounds(page, ".bar"), bounds(page, '.zone[data-verdict="uncertain"]')
    assert (band["x"] - bar["x"]) / bar["width"] == pytest.approx(thresholds["real"], abs=0.02)
    right = band["x"] + band["width"] - bar["x"]
    assert right / bar["width"] == pytest.approx(thresholds["fake"], abs=0.02)
    drawn = [
        zone.evaluate("z => getComputedStyle(z, '::before').backgroundImage")
        for zone in page.locator(".zone").all()
    ]
    # Distinct without color: hatched, the two beside it plain.
    assert [style.startswith("repeating-linear-gradient") for style in drawn] == [False, True, False]


def test_real_and_fake_photos_get_the_answer_of_the_api(
    page: Page,
    predict: Predict,
    real_and_fake_photos: list[tuple[str, bytes]],
) -> None:
    for path, content in real_and_fake_photos:
        name = path.rsplit("/", 1)[-1]
        choose(page, content, name)
        expect(page.locator("#filename")).to_have_text(name)
        expect_verdict(page, predict(content).json())


def test_a_face_box_has_the_place_from_the_api(result_page: Page, predict: Predict, face: bytes) -> None:
    x, y, width, height = predict(face).json()["faces"][0]["box"]
    page = result_page
    image, box = bounds(page, "#image"), bounds(page, ".face-box")
    scale = image["width"] / 512
    assert box["x"] == pytest.approx(image["x"] + x * scale, abs=1.5)
    assert box["y"] == pytest.approx(image["y"] + y * scale, abs=1.5)
    assert box["width"] == pytest.approx(width * scale, abs=1.5)
    assert box["height"] == pytest.approx(height * scale, abs=1.5)


def test_each_face_can_be_looked_at(two_faced_page: Page, predict: Predict, two_faces: bytes) -> None:
    answer = predict(two_faces).json()
    faces, thresholds = answer["faces"], answer["thresholds"]
    assert len(faces) == 2
    page = two_faced_page
    boxes, items = page.locator(".face-box"), page.locator(".face-item")
    faces.sort(key=lambda found: -found["p_fake"])  # the worst first
    for index in (1, 0):
        boxes.nth(index).click()
        expect(boxes.nth(index)).to_have_attribute("aria-pressed", "true")
        expect(boxes.nth(1 - index)).to_have_attribute("aria-pressed", "false")
        expect(items.nth(index)).to_have_attribute("aria-pressed", "true")
        shown = shown_range(faces[index], thresholds)
        expect(page.locator(".face-answer .range")).to_have_text(shown or "")
        expect(boxes.nth(index)).to_have_attribute("aria-label", re.compile(f"^Face {index + 1}: "))
        rings = [box.evaluate("b => getComputedStyle(b).boxShadow") for box in boxes.all()]
        assert "255, 255, 255" in rings[index]  # the chosen one is seen to be chosen
        assert "255, 255, 255" not in rings[1 - index]
    items.nth(1).click()
    expect(boxes.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(items.nth(1)).to_be_focused()


def switch_heatmap(page: Page) -> None:
    page.locator("label.switch:has(#heatmap-on)").click()


def test_the_plain_image_comes_first_and_the_heatmap_by_a_switch(result_page: Page) -> None:
    page = result_page
    expect(page.locator("#heatmap-on")).not_to_be_checked()
    assert page.evaluate(INK) == 0
    expect(page.locator(".legend")).to_be_hidden()
    expect(page.locator(".heatmap-words")).to_contain_text("How to read it")  # always there
    before = bounds(page, "#frame"), bounds(page, ".heatmap-words")
    switch_heatmap(page)
    assert page.evaluate(INK) > 0
    expect(page.locator(".legend")).to_be_visible()
    assert (bounds(page, "#frame"), bounds(page, ".heatmap-words")) == before  # nothing moves


def test_a_key_shows_and_hides_the_heatmap(result_page: Page) -> None:
    page = result_page
    assert page.evaluate(INK) == 0
    page.keyboard.press("e")
    assert page.evaluate(INK) > 0
    page.locator("#compare").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#compare")).to_have_value("99")
    page.keyboard.press("e")  # a slider takes no letters
    assert page.evaluate(INK) == 0


def test_a_slider_compares_the_heatmap_with_the_image(result_page: Page) -> None:
    page = result_page
    switch_heatmap(page)
    canvas, divider = page.locator("#evidence"), page.locator(".divider")
    expect(canvas).to_have_css("clip-path", "none")
    expect(divider).to_be_hidden()
    page.locator("#compare").fill("50")
    expect(divider).to_be_visible()
    square, image = bounds(page, ".divider"), bounds(page, "#image")
    box = bounds(page, ".face-box")
    assert box["x"] < square["x"] < box["x"] + box["width"], "the middle of the face"
    assert image["x"] < square["x"]
    assert canvas.evaluate("c => getComputedStyle(c).clipPath").startswith("inset(0")
    page.locator("#compare").fill("0")
    expect(divider).to_be_hidden()


def test_a_face_that_points_one_way_is_drawn_by_its_differences(page: Page, face: bytes) -> None:
    def answer_with(grid: list[list[float]]) -> Callable[[Route], None]:
        def fulfill(route: Route) -> None:
            answer = route.fetch().json()
            answer["faces"][0]["heatmap"]["grid"] = grid
            route.fulfill(json=answer)

        return fulfill

    for grid, words in (
        ([[0.99, 0.97], [0.98, 0.96]], "more than the rest"),
        ([[0.9, 0.1], [0.8, 0.2]], "looks fake"),
    ):
        page.route("**/api/predict*", answer_with(grid), times=1)
        choose(page, face)
        expect_state(page, "analyzed")
        switch_heatmap(page)
        expect(page.locator(".legend .more")).to_have_text(words)
        colors = page.evaluate(
            """() => {
                const canvas = document.querySelector("#evidence");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let [orange, blue] = [0, 0];
                for (let i = 0; i < data.length; i += 4)
                    if (data[i + 3] > 20) data[i] > data[i + 2] ? orange++ : blue++;
                return [orange, blue];
            }"""
        )
        assert min(colors) > 0.1 * max(colors), "both colors"
        page.locator("#home").click()


def test_the_heatmap_follows_the_selected_face(two_faced_page: Page) -> None:
    left_and_right = """() => {
        const canvas = document.querySelector("#evidence");
        const half = Math.floor(canvas.width / 2);
        const any = (x) => canvas.getContext("2d").getImageData(x, 0, half, canvas.height)
            .data.some((value, i) => i % 4 === 3 && value > 0);
        return [any(0), any(half)];
    }"""
    page = two_faced_page
    switch_heatmap(page)
    for index in (0, 1):
        box = page.locator(".face-box").nth(index)
        box.click()
        place, image = box.bounding_box(), bounds(page, "#image")
        assert place is not None
        is_left = place["x"] < image["x"] + image["width"] / 2
        assert page.evaluate(left_and_right) == [is_left, not is_left]


def test_the_heatmap_of_a_leaning_face_is_turned(page: Page, face: bytes) -> None:
    box: list[float] = []

    def lean(route: Route) -> None:
        answer = route.fetch().json()
        heatmap = answer["faces"][0]["heatmap"]
        box[:] = heatmap["box"]
        heatmap.update(angle=45, grid=[[1, 1, 1, 0]] * 4)
        route.fulfill(json=answer)

    page.route("**/api/predict*", lean)
    choose(page, face)
    expect_state(page, "analyzed")
    switch_heatmap(page)
    x, y, side, _ = box
    above, corner = (
        page.evaluate(
            """([x, y]) => {
                const canvas = document.querySelector("#evidence");
                const scale = canvas.width / 512;
                return canvas.getContext("2d").getImageData(x * scale, y * scale, 1, 1).data[3];
            }""",
            point,
        )
        for point in ([x + side / 2, y - side / 10], [x + side / 20, y + side / 20])
    )
    assert above > 0 == corner


def test_a_format_the_browser_cannot_show_is_analyzed(
    page: Page,
    predict: Predict,
    portrait: Image.Image,
    encode: Callable[..., bytes],
) -> None:
    wide = Image.new("RGB", (1024, 512), "white")
    wide.paste(portrait, (0, 0))
    image = encode(wide, "TIFF")
    choose(page, image, "scan.tif", "image/tiff")
    expect_verdict(page, predict(image).json())
    expect(page.locator("#stage-note")).to_contain_text("No preview")
    frame = page.locator("#frame").bounding_box()
    assert frame is not None
    assert frame["width"] / frame["height"] == pytest.approx(2, abs=0.02)


def test_another_image_replaces_the_first(page: Page, predict: Predict, face: bytes, no_face: bytes) -> None:
    start_over(page)
    choose(page, no_face, "wall.jpg")
    expect_fault(page, "No face found")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Try another").click()
    chooser.value.set_files({"name": "face.jpg", "mimeType": "image/jpeg", "buffer": face})
    expect_verdict(page, predict(face).json())
    expect(page.locator("#filename")).to_have_text("face.jpg")
    page.locator("#home").click()
    expect(page.locator(".card")).to_have_count(2)


def test_faces_and_results_are_walked_with_the_arrows(
    page: Page, face: bytes, two_faces: bytes, no_face: bytes
) -> None:
    """Arrows go from face to face; with Shift, or where there is one face only, from result to result."""
    start_over(page)
    choose_many(page, [("one.jpg", face), ("two.jpg", two_faces), ("none.jpg", no_face)])
    expect(page.locator("#count")).to_contain_text("3 of 3")
    page.get_by_role("link", name="one.jpg", exact=True).click()
    name, boxes = page.locator("#filename"), page.locator(".face-box")
    expect(name).to_have_text("one.jpg")
    expect(page.locator(".place")).to_have_text("1 of 3")
    expect_state(page, "analyzed")
    page.keyboard.press("ArrowRight")
    expect(name).to_have_text("two.jpg")
    chosen = page.locator('.face-box[aria-pressed="true"]')
    first = boxes.nth(0).get_attribute("aria-pressed") == "true"
    expect(chosen).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(boxes.nth(1 if first else 0)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    expect(boxes.nth(0 if first else 1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+ArrowRight")
    expect(name).to_have_text("none.jpg")
    expect(page.locator("#next")).to_be_disabled()
    page.locator("#previous").click()
    expect(name).to_have_text("two.jpg")
    page.keyboard.press("Escape")
    expect_state(page, "list")
    expect(page.locator(".card")).to_have_count(3)


def test_a_result_is_opened_again_from_the_history(
    open_page: OpenPage, predict: Predict, two_faces: bytes
) -> None:
    answer = predict(two_faces).json()
    page = open_page()
    choose(page, two_faces, "party.jpg")
    expect_verdict(page, answer)
    expect(page.locator(".details")).to_contain_text(hashlib.sha256(two_faces).hexdigest()[:16])
    wait_until(
        lambda: page.evaluate(
            "async () => (await (await import('/static/js/history.js')).list()).length === 1"
        )
    )
    address = page.url
    page.reload()
    expect_verdict(page, answer)
    expect(page).to_have_url(address)
    expect(page.locator("#filename")).to_have_text("party.jpg")
    switch_heatmap(page)
    assert page.evaluate(INK) > 0
    wait_until(lambda: page.evaluate("document.querySelector('#image').naturalWidth === 640"))
    page.locator("#back").click()
    expect(page.locator("body")).to_have_attribute("data-view", "history")
    expect(page.get_by_text("party.jpg")).to_be_visible()


def test_a_result_that_is_not_stored_is_missing_after_a_reload(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    page.evaluate("localStorage.setItem('veraface-history', 'off')")
    choose(page, face)
    expect_state(page, "analyzed")
    page.reload()
    expect_state(page, "missing")
    expect(page.get_by_role("heading", level=1)).to_have_text("This result is not in this browser")
    page.get_by_role("link", name="Analyze an image").click()
    expect_state(page, "empty")
