// What is pasted or dropped as text: an address of an image, an image in a data address, or neither.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { load, openDocument, serve } from "./page.js";

await openDocument();
const { addFiles, addLink } = await load("addFiles.js");
const { checks, remove } = await load("queue.js");
const { showNotice } = await load("notice.js");
const { readStatus } = await load("status.js");
const LIMITS = { max_upload_bytes: 10 ** 7, max_pixels: 10 ** 7 };

beforeEach(() => {
  remove(checks());
  showNotice("");
});

const status = async (links) => {
  serve({ "/api/model-status": { loaded: true, name: "m", version: "1", limits: { ...LIMITS, links } } });
  await readStatus();
};

const TEXTS = [
  "just some words",
  "javascript:document.title='owned'",
  "data:text/html,<script>document.title='owned'</script>",
  "data:image/png;base64,%%%",
  "file:///etc/passwd",
  "//example.com/a.jpg",
  "",
];
for (const text of TEXTS) {
  test(`text that is no address of an image is explained: ${text}`, async () => {
    await status(true);
    addLink(text);
    const notice = document.getElementById("notice");
    assert.equal(notice.hidden, false);
    assert.match(notice.textContent, /That is not an image/);
    assert.equal(checks().length, 0);
  });
}

test("a link is explained where the server fetches none", async () => {
  await status(false);
  addLink("https://example.com/face.jpg");
  assert.match(document.getElementById("notice").textContent, /VERAFACE_FETCH_LINKS/);
  assert.equal(checks().length, 0);
});

test("of a thousand files that may be animated, a few are read at once", async () => {
  serve({ "/api/model-status": { loaded: true, name: "m", version: "1", limits: { ...LIMITS, video: true } } });
  await readStatus();
  let open = 0;
  let most = 0;
  class Counted extends File {
    slice(...range) {
      most = Math.max(most, ++open);
      const part = super.slice(...range);
      const bytes = part.arrayBuffer.bind(part);
      return Object.assign(part, { arrayBuffer: () => bytes().finally(() => open--) });
    }
  }
  const files = Array.from({ length: 1000 }, (_, at) => new Counted(["PNG"], `${at}.png`, { type: "image/png" }));
  await addFiles(files, { wait: true });
  assert.equal(checks().length, 1000);
  assert.ok(most <= 16, `${most} at once`);
  assert.equal(open, 0);
});
