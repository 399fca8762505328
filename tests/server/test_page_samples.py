"""Images to try and the game: sizes, licenses, what the packaged model answers, and one click each."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

import veraface.server
from tests.server.page import VERDICTS, expect_state
from tests.server.scenes import answer, face
from veraface import DetectionResult, Detector

SAMPLES = Path(veraface.server.__file__).parent / "static" / "samples"
OFFERED = {"generated.jpg": "fake", "astronaut.jpg": "real", "officer.jpg": "uncertain"}
EXAMPLES = {
    **dict.fromkeys(("face-swap.jpg", "astronaut-swap.jpg"), "fake"),
    **dict.fromkeys(("rain.jpg", "glasses.jpg"), "uncertain"),
}
MAX_OFFERED_BYTES = 100_000
MAX_GAME_BYTES = 200_000

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def results() -> dict[str, DetectionResult]:
    """Results of the packaged model."""
    detector = Detector()
    return {name: detector.detect((SAMPLES / name).read_bytes()) for name in OFFERED | EXAMPLES}


@pytest.mark.parametrize(("name", "verdict"), (OFFERED | EXAMPLES).items())
def test_the_packaged_model_answers_as_the_page_announces(
    results: dict[str, DetectionResult], name: str, verdict: str
) -> None:
    """On the start page, and on the dashboard below what is found well and badly."""
    assert results[name].verdict == verdict
    assert len(results[name].faces) == 1


def test_they_are_small_and_each_has_its_origin_and_license() -> None:
    images = list(SAMPLES.glob("*.jpg"))
    assert sum((SAMPLES / name).stat().st_size for name in OFFERED) < MAX_OFFERED_BYTES
    assert sum(path.stat().st_size for path in images) < MAX_GAME_BYTES
    table = (SAMPLES / "README.md").read_text("utf-8")
    assert [path.name for path in images if f"| `{path.name}`" not in table] == []


def test_five_of_the_ten_faces_of_the_game_are_real(page: Page) -> None:
    faces = page.evaluate("async () => (await import('/static/js/game.js')).FACES")
    assert sorted(name for name, _ in faces) == sorted(path.name for path in SAMPLES.glob("*.jpg"))
    assert sorted(truth for _, truth in faces) == ["fake"] * 5 + ["real"] * 5
    table = (SAMPLES / "README.md").read_text("utf-8")
    rows = {name: row for name, _ in faces for row in table.splitlines() if row.startswith(f"| `{name}`")}
    assert [name for name, truth in faces if f"| {truth} |" not in rows[name]] == []


def test_the_faces_of_the_game_load_only_when_it_opens(open_page: OpenPage) -> None:
    page = open_page(path="/api/model", fresh=True, service_workers="block")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    page.goto(page.url.replace("/api/model", "/"))
    expect(page.locator(".sample")).to_have_count(4)
    page.wait_for_load_state("networkidle")
    images = {path.name for path in SAMPLES.glob("*.jpg")}
    assert images & set(loaded) == set(OFFERED)
    page.get_by_role("button", name="Can you tell?").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 of 10")
    assert images <= set(loaded)


def test_one_click_gives_the_default_models_result(
    open_page: OpenPage, results: dict[str, DetectionResult]
) -> None:
    """Its verdict on that very file, which is what the page sends."""
    page = open_page()

    def respond(route: Route) -> None:
        sent = route.request.post_data_buffer or b""
        name = next(name for name in OFFERED if (SAMPLES / name).read_bytes() in sent)
        detected = answer([face(results[name].p_fake)], verdict=results[name].verdict)
        route.fulfill(json=detected)

    page.route("**/api/predict*", respond)
    for name, verdict in (("Generated face", "fake"), ("Real photo", "real"), ("A hard case", "uncertain")):
        page.get_by_role("button", name=name).click()
        expect(page.locator("#filename")).to_have_text(f"{name}.jpg")
        expect_state(page, "analyzed")
        expect(page.locator("#verdict")).to_have_text(VERDICTS[verdict])
        page.locator("#home").click()
        page.locator("#clear").click()
        expect_state(page, "empty")


def test_a_sample_that_does_not_come_is_reported(page: Page) -> None:
    page.route("**/static/samples/*", lambda route: route.abort())
    page.get_by_role("button", name="Real photo").click()
    expect(page.locator("#notice")).to_contain_text("sample image did not load")


def test_a_person_plays_against_the_model(page: Page) -> None:
    """Whoever calls all of them real is right five times."""
    page.get_by_role("button", name="Can you tell?").click()
    game = page.get_by_role("dialog")
    for number in range(10):
        expect(game).to_contain_text(f"{number + 1} of 10")
        game.get_by_role("button", name="Real", exact=True).click()
        expect(game).to_contain_text("The truth:")
        game.get_by_role("button", name=re.compile("Next face|See the score")).click()
    expect(game).to_contain_text("You: 5 of 10 right")
    expect(game).to_contain_text(re.compile(r"Veraface: \d+ of 10 right, \d+ without a verdict"))
    game.get_by_role("button", name="Close").click()
    expect(game).to_have_count(0)


def test_the_game_draws_ten_labeled_images_of_a_folder(page: Page) -> None:
    drawn = page.evaluate(
        """async () => {
            const { labeledImages } = await import("/static/js/game.js");
            const image = (name, kind = "image/jpeg") => new File(["x"], name, { type: kind });
            const names = [...Array(12).keys()].map((i) => `${i % 2 ? "fake" : "real"}_${i}.jpg`);
            const others = [image("reality.jpg"), image("real.txt", "text/plain")];
            const files = [...names.map((name) => image(name)), ...others];
            return labeledImages(files).map(({ file, truth }) => [file.name, truth]);
        }"""
    )
    assert len(drawn) == 10
    assert all(name.startswith(truth) for name, truth in drawn)
