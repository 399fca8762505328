"""Take the README's screenshots with a running server, a browser and a public-domain portrait.

make screenshots
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import skimage.data
from PIL import Image
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Start a server, analyze the portrait on the page, and capture the page and the dashboard."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", "from veraface.cli import main; main()", "serve"],
        env={**os.environ, "VERAFACE_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url)
        with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
            portrait = Path(folder) / "astronaut.jpg"
            Image.fromarray(skimage.data.astronaut()).save(portrait, quality=95)
            browser = playwright.chromium.launch(
                executable_path=os.environ.get("VERAFACE_CHROMIUM") or None,
                args=["--no-sandbox", "--disable-background-networking"],
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
            page.goto(url)
            page.set_input_files("#file", portrait)
            page.wait_for_selector("body[data-state=analyzed]")
            page.wait_for_timeout(800)  # transitions
            page.screenshot(path=DOCS / "page.png")
            page.set_viewport_size({"width": 1280, "height": 1300})  # down to the kinds of fakes
            page.goto(f"{url}/dashboard")
            page.wait_for_selector(".kinds")
            page.wait_for_timeout(800)
            page.screenshot(path=DOCS / "dashboard.png")
            browser.close()
    finally:
        server.terminate()
        server.wait()


def wait_until_ready(url: str, seconds: float = 60) -> None:
    """Wait until the model is loaded.

    Raises:
        TimeoutError: The server is not ready in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/readyz").close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise TimeoutError(f"{url} did not become ready in {seconds} s")


if __name__ == "__main__":
    main()
