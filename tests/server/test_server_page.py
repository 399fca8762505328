"""The page, in a real browser: every flow a person takes through it."""

import base64
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

VERDICTS = {"fake": "Likely fake", "real": "Likely real", "uncertain": "Cannot tell"}

OpenPage = Callable[..., Page]


def choose(page: Page, content: bytes, name: str = "picture.jpg", kind: str = "image/jpeg") -> None:
    page.set_input_files("#file", {"name": name, "mimeType": kind, "buffer": content})


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-state", state)


def percent(p: float) -> str:
    return "<1%" if p < 0.01 else ">99%" if p > 0.99 else f"{int(p * 100 + 0.5)}%"


def expect_verdict(page: Page, answer: dict[str, Any]) -> None:
    expect_state(page, "judged")
    expect(page.locator("#verdict")).to_have_text(VERDICTS[answer["verdict"]])
    expect(page.locator("#p-fake")).to_have_text(percent(answer["p_fake"]))
    expect(page.locator(".face-box")).to_have_count(len(answer["faces"]))
    expect(page.locator("#live")).to_contain_text(VERDICTS[answer["verdict"]])


def expect_fault(page: Page, heading: str) -> None:
    expect_state(page, "failed")
    expect(page.locator("#verdict")).to_have_text(heading)
    expect(page.locator("#live")).to_contain_text(heading)


def test_the_empty_page_says_what_it_is_for_and_what_a_verdict_is_not(open_page: OpenPage) -> None:
    page = open_page()
    expect(page).to_have_title("Veraface")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("footer")).to_contain_text("not proof")
    expect(page.locator("footer")).to_contain_text("Never use it alone against a person")
    expect(page.locator("#privacy")).to_contain_text("Stays on this machine")
    expect(page.locator("#limit")).to_have_text("up to 25 MB")


def test_a_chosen_file_is_shown_and_judged(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    answer = predict(face).json()
    page = open_page()
    choose(page, face, "holiday.jpg")
    expect_verdict(page, answer)
    expect(page.locator("#filename")).to_have_text("holiday.jpg")
    assert page.evaluate("document.querySelector('#picture').naturalWidth") == 512
    details = page.locator(".details")
    expect(details).to_contain_text(f"{1 - answer['p_fake']:.3f}")
    expect(details).to_contain_text(answer["model"]["name"])
    expect(details).to_contain_text("JPEG, 512 × 512")
    for stage in ("decode", "find faces", "judge"):
        expect(page.locator(".timing")).to_contain_text(re.compile(rf"{stage} [\d.]+ ms"))
    thresholds = answer["thresholds"]
    expect(page.locator(".probability")).to_contain_text(percent(thresholds["real"]))
    expect(page.locator(".probability")).to_contain_text(percent(thresholds["fake"]))
    marker = page.locator(".marker").evaluate(
        "m => (m.getBoundingClientRect().x + 2 - m.parentNode.getBoundingClientRect().x)"
        " / m.parentNode.getBoundingClientRect().width"
    )
    assert marker == pytest.approx(answer["p_fake"], abs=0.02)


def test_real_and_fake_photos_get_the_answer_of_the_api(
    open_page: OpenPage,
    predict: Callable[..., httpx.Response],
    real_and_fake_photos: list[tuple[str, bytes]],
) -> None:
    page = open_page()
    for path, content in real_and_fake_photos:
        name = path.rsplit("/", 1)[-1]
        choose(page, content, name)
        expect(page.locator("#filename")).to_have_text(name)
        expect_verdict(page, predict(content).json())


def test_a_face_box_lies_where_the_api_says(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    x, y, width, height = predict(face).json()["faces"][0]["box"]
    page = open_page()
    choose(page, face)
    expect_state(page, "judged")
    picture = page.locator("#picture").bounding_box()
    box = page.locator(".face-box").bounding_box()
    assert picture is not None
    assert box is not None
    scale = picture["width"] / 512
    assert box["x"] == pytest.approx(picture["x"] + x * scale, abs=1.5)
    assert box["y"] == pytest.approx(picture["y"] + y * scale, abs=1.5)
    assert box["width"] == pytest.approx(width * scale, abs=1.5)
    assert box["height"] == pytest.approx(height * scale, abs=1.5)


def test_the_picture_is_shown_while_it_is_judged(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    held: list[Any] = []
    page.route("**/api/predict*", lambda route: held.append(route))
    choose(page, face)
    expect_state(page, "judging")
    expect(page.locator("#frame")).to_have_class(re.compile("scanning"))
    expect(page.locator("#panel")).to_have_attribute("aria-busy", "true")
    page.wait_for_function("document.querySelector('#picture').naturalWidth === 512")
    while not held:
        page.wait_for_timeout(10)
    held[0].abort()
    expect_fault(page, "Server not reachable")


def give_files(page: Page, event: str, contents: list[bytes]) -> None:
    """Drops or pastes files as the browser would report it."""
    page.evaluate(
        """([event, files]) => {
            const transfer = new DataTransfer();
            files.forEach((text, i) => {
                const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], `given-${i}.jpg`, { type: "image/jpeg" }));
            });
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(
                event === "paste"
                    ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
                    : new DragEvent(event, { ...options, dataTransfer: transfer }));
        }""",
        [event, [base64.b64encode(content).decode() for content in contents]],
    )


def test_a_picture_can_be_dropped_anywhere(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    page = open_page()
    give_files(page, "dragenter", [face])
    expect(page.locator("#veil")).to_be_visible()
    give_files(page, "drop", [face])
    expect(page.locator("#veil")).to_be_hidden()
    expect_verdict(page, predict(face).json())


def test_of_several_files_the_first_is_judged_and_the_page_says_so(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes, no_face: bytes
) -> None:
    page = open_page()
    give_files(page, "drop", [face, no_face])
    expect_verdict(page, predict(face).json())
    expect(page.locator(".work .notice")).to_contain_text("only the first")


def test_dropping_no_file_is_explained(open_page: OpenPage) -> None:
    page = open_page()
    give_files(page, "drop", [])
    expect_state(page, "empty")
    expect(page.locator(".intake .notice")).to_contain_text("not a file")


def test_a_picture_can_be_pasted(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    page = open_page()
    give_files(page, "paste", [face])
    expect_verdict(page, predict(face).json())


def test_the_keyboard_is_enough(
    open_page: OpenPage, predict: Callable[..., httpx.Response], two_faces: bytes
) -> None:
    page = open_page()
    # Playwright asks the browser for the chooser without waiting for its answer: ask before the keys.
    with page.expect_file_chooser() as chooser:
        for _ in range(8):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "choose":
                break
        page.keyboard.press("Enter")
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": two_faces})
    expect_state(page, "judged")
    boxes = page.locator(".face-box")
    page.locator("#another").focus()
    page.keyboard.press("Tab")
    expect(boxes.nth(0)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(boxes.nth(1)).to_have_attribute("aria-pressed", "true")


def test_each_face_can_be_looked_at(
    open_page: OpenPage, predict: Callable[..., httpx.Response], two_faces: bytes
) -> None:
    faces = predict(two_faces).json()["faces"]
    assert len(faces) == 2
    page = open_page()
    choose(page, two_faces)
    expect_state(page, "judged")
    boxes, items = page.locator(".face-box"), page.locator(".face-item")
    for index in (1, 0):
        boxes.nth(index).click()
        expect(boxes.nth(index)).to_have_attribute("aria-pressed", "true")
        expect(boxes.nth(1 - index)).to_have_attribute("aria-pressed", "false")
        expect(items.nth(index)).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#p-fake")).to_have_text(percent(faces[index]["p_fake"]))
        expect(boxes.nth(index)).to_have_attribute("aria-label", re.compile(f"^Face {index + 1}: "))
    items.nth(1).click()
    expect(boxes.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(items.nth(1)).to_be_focused()


INK = """() => {
    const canvas = document.querySelector("#evidence");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let ink = 0;
    for (let i = 3; i < data.length; i += 4) ink += data[i];
    return ink;
}"""


def set_strength(page: Page, value: int) -> None:
    page.locator("#evidence-strength").fill(str(value))


def test_the_slider_sets_how_strongly_the_evidence_shows(open_page: OpenPage, face: bytes) -> None:
    page = open_page()
    choose(page, face)
    expect_state(page, "judged")
    expect(page.locator("#evidence-controls")).to_be_visible()
    set_strength(page, 0)
    assert page.evaluate(INK) == 0
    set_strength(page, 40)
    weak = page.evaluate(INK)
    set_strength(page, 100)
    strong = page.evaluate(INK)
    assert 0 < weak < strong


def test_the_evidence_goes_with_the_selected_face(open_page: OpenPage, two_faces: bytes) -> None:
    left_and_right = """() => {
        const canvas = document.querySelector("#evidence");
        const half = Math.floor(canvas.width / 2);
        const any = (x) => canvas.getContext("2d").getImageData(x, 0, half, canvas.height)
            .data.some((value, i) => i % 4 === 3 && value > 0);
        return [any(0), any(half)];
    }"""
    page = open_page()
    choose(page, two_faces)
    expect_state(page, "judged")
    sides = []
    for index in (0, 1):
        page.locator(".face-box").nth(index).click()
        sides.append(page.evaluate(left_and_right))
    assert sides == [[True, False], [False, True]]


def test_no_face(open_page: OpenPage, no_face: bytes) -> None:
    page = open_page()
    choose(page, no_face)
    expect_fault(page, "No face found")
    expect(page.locator(".face-box")).to_have_count(0)
    expect(page.locator("#evidence-controls")).to_be_hidden()


def test_a_face_too_small(open_page: OpenPage, small_face: bytes) -> None:
    page = open_page()
    choose(page, small_face)
    expect_fault(page, "Faces too small")
    expect(page.locator(".face-box")).to_have_count(1)
    expect(page.locator(".face-box")).to_have_attribute("data-verdict", "unjudged")


def test_a_damaged_file(open_page: OpenPage, corrupt: bytes) -> None:
    page = open_page()
    choose(page, corrupt, "broken.png", "image/png")
    expect_fault(page, "The file is damaged")


def test_a_file_that_is_no_picture(open_page: OpenPage) -> None:
    page = open_page()
    choose(page, b"%PDF-1.7", "paper.pdf", "application/pdf")
    expect_fault(page, "Not a picture we can read")


def test_too_large_a_file_is_not_even_sent(open_page: OpenPage, small_server: Any) -> None:
    page = open_page(small_server.url)
    expect(page.locator("#limit")).to_have_text(re.compile("up to"))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    choose(page, b"\xff\xd8" + b"x" * 300_000)
    expect_fault(page, "The picture is too large")
    assert "POST" not in sent


def test_too_many_pixels(
    open_page: OpenPage, small_server: Any, portrait: Image.Image, encode: Callable[..., bytes]
) -> None:
    page = open_page(small_server.url)
    choose(page, encode(portrait.resize((600, 600)), quality=60))
    expect_fault(page, "The picture is too large")


def test_an_unreachable_server_can_be_tried_again(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes
) -> None:
    page = open_page()
    page.route("**/api/predict*", lambda route: route.abort())
    choose(page, face)
    expect_fault(page, "Server not reachable")
    page.unroute("**/api/predict*")
    page.get_by_role("button", name="Try again").click()
    expect_verdict(page, predict(face).json())


def test_a_format_the_browser_cannot_show_is_judged_all_the_same(
    open_page: OpenPage,
    predict: Callable[..., httpx.Response],
    portrait: Image.Image,
    encode: Callable[..., bytes],
) -> None:
    wide = Image.new("RGB", (1024, 512), "white")
    wide.paste(portrait, (0, 0))
    picture = encode(wide, "TIFF")
    page = open_page()
    choose(page, picture, "scan.tif", "image/tiff")
    expect_verdict(page, predict(picture).json())
    expect(page.locator("#stage-note")).to_contain_text("No preview")
    frame = page.locator("#frame").bounding_box()
    assert frame is not None
    assert frame["width"] / frame["height"] == pytest.approx(2, abs=0.02)


def test_another_picture_replaces_the_first(
    open_page: OpenPage, predict: Callable[..., httpx.Response], face: bytes, no_face: bytes
) -> None:
    page = open_page()
    choose(page, no_face, "wall.jpg")
    expect_fault(page, "No face found")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Try another").click()
    chooser.value.set_files({"name": "face.jpg", "mimeType": "image/jpeg", "buffer": face})
    expect_verdict(page, predict(face).json())
    expect(page.locator("#filename")).to_have_text("face.jpg")
    page.locator("#home").click()
    expect_state(page, "empty")


def test_a_late_answer_never_lands_on_another_picture(
    open_page: OpenPage, face: bytes, no_face: bytes
) -> None:
    page = open_page()
    held: list[Any] = []
    page.route("**/api/predict*", lambda route: held.append(route) if not held else route.continue_())
    choose(page, face)
    expect_state(page, "judging")
    while not held:
        page.wait_for_timeout(10)
    choose(page, no_face)
    expect_fault(page, "No face found")
    expect(page.locator(".face-box")).to_have_count(0)


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=document.title='owned'>.jpg",
        "<script>document.title='owned'</script>.jpg",
        "&lt;b&gt;.jpg",
    ],
)
def test_a_file_name_is_never_markup(open_page: OpenPage, face: bytes, no_face: bytes, name: str) -> None:
    page = open_page()
    for content, state in ((face, "judged"), (no_face, "failed")):
        choose(page, content, name)
        expect_state(page, state)
        expect(page.locator("#filename")).to_have_text(name)
    expect(page.locator("#filename *, main script, main img:not(#picture)")).to_have_count(0)
    expect(page).to_have_title("Veraface")


def brightness(page: Page) -> int:
    """0 black to 255 white, of what the page is painted on."""
    colour = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return int(re.findall(r"\d+", colour)[0])


def test_dark_and_light(open_page: OpenPage) -> None:
    assert brightness(open_page(color_scheme="dark")) < 40
    page = open_page(color_scheme="light")
    assert brightness(page) > 220
    page.locator("#theme").click()
    assert brightness(page) < 40
    page.reload()
    assert brightness(page) < 40
    page.get_by_role("button", name="Switch to the light theme").click()
    assert brightness(page) > 220


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_needs_no_sideways_scrolling(
    open_page: OpenPage, two_faces: bytes, corrupt: bytes, width: int
) -> None:
    page = open_page(viewport={"width": width, "height": 844}, has_touch=True, is_mobile=True)
    fits = "document.documentElement.scrollWidth <= innerWidth"
    assert page.evaluate(fits)
    expect(page.get_by_text("Choose a picture")).to_be_visible()
    choose(page, two_faces, "a-very-long-name-" * 12 + ".jpg")
    expect_state(page, "judged")
    assert page.evaluate(fits)
    choose(page, corrupt)
    expect_state(page, "failed")
    assert page.evaluate(fits)


def test_the_api_documentation_works_offline(open_page: OpenPage) -> None:
    page = open_page(path="/docs")
    expect(page.get_by_text("/api/predict", exact=True)).to_be_visible()
