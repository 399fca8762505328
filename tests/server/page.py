"""Helpers for tests of the page."""

import base64
from collections.abc import Callable
from typing import Any

from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.waiting import wait_until

VERDICTS = {"fake": "Likely fake", "real": "Likely real", "uncertain": "Cannot tell"}


def choose(page: Page, content: bytes, name: str = "image.jpg", kind: str = "image/jpeg") -> None:
    """Chooses a file as the dialog would hand it over."""
    choose_many(page, [(name, content)], kind)


def choose_many(page: Page, files: list[tuple[str, bytes]], kind: str = "image/jpeg") -> None:
    page.set_input_files(
        "#file", [{"name": name, "mimeType": kind, "buffer": content} for name, content in files]
    )


def give(page: Page, event: str, contents: list[bytes], text: str = "") -> None:
    """Drops or pastes files or a text as the browser would report it."""
    page.evaluate(
        """([event, files, text]) => {
            const transfer = new DataTransfer();
            files.forEach((content, i) => {
                const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], `given-${i}.jpg`, { type: "image/jpeg" }));
            });
            if (text) transfer.setData("text/plain", text);
            const options = { bubbles: true, cancelable: true };
            document.body.dispatchEvent(
                event === "paste"
                    ? new ClipboardEvent("paste", { ...options, clipboardData: transfer })
                    : new DragEvent(event, { ...options, dataTransfer: transfer }));
        }""",
        [event, [base64.b64encode(content).decode() for content in contents], text],
    )


def read_status(page: Page) -> None:
    """Have the page ask the server for its status again, as it does when it is loaded."""
    page.evaluate("import('/static/js/status.js').then(({ readStatus }) => readStatus())")


def expect_state(page: Page, state: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-state", state)


def percent(p: float) -> str:
    return "<1%" if p < 0.01 else ">99%" if p > 0.99 else f"{int(p * 100 + 0.5)}%"


def shown_range(result: dict[str, Any], thresholds: dict[str, float]) -> str | None:
    """The range that the page shows of a result; None where it would contradict the verdict."""
    ends = result.get("p_fake_range") or [result["p_fake"]] * 2

    def zone(p: float) -> str:
        return "fake" if p >= thresholds["fake"] else "real" if p <= thresholds["real"] else "uncertain"

    zones = {zone(p) for p in ends}
    if result["verdict"] != (zones.pop() if len(zones) == 1 else "uncertain"):
        return None
    low, high = (percent(p) for p in ends)
    return low if low == high else f"{low.removesuffix('%')} to {high}"


def expect_range(page: Page, result: dict[str, Any], thresholds: dict[str, float]) -> None:
    """Expect that range as the answer's."""
    shown = shown_range(result, thresholds)
    if shown is None:
        expect(page.locator("#p-fake")).to_have_count(0)
    else:
        expect(page.locator("#p-fake")).to_have_text(shown)


def expect_verdict(page: Page, answer: dict[str, Any]) -> None:
    expect_state(page, "analyzed")
    expect(page.locator("#verdict")).to_have_text(VERDICTS[answer["verdict"]])
    expect_range(page, answer, answer["thresholds"])
    expect(page.locator(".face-box")).to_have_count(len(answer["faces"]))
    expect(page.locator("#live")).to_contain_text(VERDICTS[answer["verdict"]])


def expect_fault(page: Page, heading: str) -> None:
    expect_state(page, "failed")
    expect(page.locator("#verdict")).to_have_text(heading)
    expect(page.locator("#live")).to_contain_text(heading)


def card(page: Page, name: str) -> Locator:
    """The card of that file in the list."""
    return page.locator(".card").filter(has=page.get_by_role("link", name=name, exact=True))


def bounds(page: Page, selector: str) -> FloatRect:
    """Return position and size of an element, once it is visible.

    A panel that is laid out again replaces its elements: one that was just found may be gone.
    """
    box: FloatRect = wait_until(page.locator(selector).bounding_box)
    return box


def settle(page: Page) -> None:
    """Wait until two frames are drawn and every animation that ends has ended; for 20 s at most.

    Nothing else ends an evaluation that waits for a frame that the browser does not draw.
    """
    page.evaluate(
        """async () => {
            const late = new Promise((done) => setTimeout(done, 20000));
            const frame = () => new Promise(requestAnimationFrame);
            const frames = () => frame().then(frame);
            await Promise.race([frames(), late]);
            const ends = (one) => Number.isFinite(one.effect.getComputedTiming().endTime);
            const ended = document.getAnimations().filter(ends).map((one) => one.finished);
            await Promise.race([Promise.allSettled(ended), late]);
            await Promise.race([frames(), late]);
        }"""
    )


def processor_clock(page: Page) -> Callable[[], float]:
    """Return a clock of the processor time (s) of the page's thread, which other programs do not stretch."""
    debugger = page.context.new_cdp_session(page)
    debugger.send("Performance.enable", {"timeDomain": "threadTicks"})

    def read() -> float:
        metrics = debugger.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    return read
