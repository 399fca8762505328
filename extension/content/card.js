// The card beside an image. Runs on the page in an isolated world: the page's scripts cannot read the closed shadow root,
// and its styles do not apply there. Renders the views that the worker sends.
import { element } from "../../src/veraface/server/static/js/dom.js";
import { brand, cross, renderView } from "../core/render.js";
import { IMAGES, deepAll } from "./images.js";
import { bareHost } from "./host.js";
import { cardStyle } from "./styles.js";

const GAP = 10; // px between image and card
const MARGIN = 8; // px between card and window

let card = null; // { id, host, body, target, before, stop }

function open({ id, view, labels, language, rightToLeft, address }) {
  close();
  const target = findImage(address);
  const before = document.activeElement;
  const close_ = element("button", { type: "button", class: "close", "aria-label": labels.close }, cross());
  const body = element("div", { class: "body", "aria-live": "polite" });
  const dir = rightToLeft ? "rtl" : "ltr";
  const box = element(
    "div",
    { class: "card", role: "dialog", "aria-label": labels.card, tabindex: "-1", lang: language, dir },
    element("div", { class: "top" }, brand(), close_),
    body,
  );
  const host = bareHost(target?.closest("dialog[open]") ?? document.documentElement, cardStyle, box);
  const watching = new AbortController();
  const stop = () => watching.abort();
  card = { id, host, box, body, target, before, stop };
  close_.addEventListener("click", (event) => event.isTrusted && close());
  box.addEventListener("keydown", (event) => {
    if (event.isTrusted && event.key === "Escape") close();
  });
  // The page must not observe or handle input in the card.
  for (const kind of ["keydown", "keyup", "keypress", "click", "pointerdown", "mousedown"]) {
    box.addEventListener(kind, (event) => event.stopPropagation());
  }
  for (const kind of ["scroll", "resize"]) {
    addEventListener(kind, () => requestAnimationFrame(place), { capture: true, passive: true, signal: watching.signal });
  }
  draw(view);
  box.focus({ preventScroll: true });
  return { opened: true, shape: target ? { width: target.naturalWidth, height: target.naturalHeight } : null };
}

/** "shown"; "closed" if the user closed the card or another check replaced it; "removed" if the page removed or hid it. */
function show(id, view) {
  if (card?.id !== id) return "closed";
  if (!card.host.isConnected) return "removed";
  const { body, box } = card;
  const hadFocus = body.contains(body.getRootNode().activeElement);
  draw(view);
  if (hadFocus) box.focus({ preventScroll: true });
  return isVisible() ? "shown" : "removed";
}

function isVisible() {
  const { box, host } = card;
  return box.checkVisibility({ visibilityProperty: true }) && Number(getComputedStyle(host).opacity) > 0;
}

function draw(view) {
  const { id, body } = card;
  const shown = renderView(view, (ask) => chrome.runtime.sendMessage({ ask, id }));
  body.replaceChildren(...shown);
  place();
}

function close() {
  if (!card) return;
  const { host, before, stop } = card;
  card = null;
  stop();
  host.remove();
  if (before?.isConnected) before.focus({ preventScroll: true });
}

// Beside the image if there is room, else over its corner; always within the window.
function place() {
  if (!card) return;
  const { box, target, host } = card;
  const size = box.getBoundingClientRect();
  const width = document.documentElement.clientWidth || innerWidth;
  const there = target?.isConnected ? target.getBoundingClientRect() : null;
  const clamp = (value, most) => Math.max(MARGIN, Math.min(value, most - MARGIN));
  let left = width - size.width;
  let top = MARGIN;
  if (there?.width) {
    const after = there.right + GAP;
    const ahead = there.left - GAP - size.width;
    const fits = (at) => at >= MARGIN && at + size.width + MARGIN <= width;
    left = [after, ahead].find(fits) ?? there.right - size.width - GAP;
    top = there.top;
  }
  host.style.setProperty("left", `${clamp(left, width - size.width)}px`, "important");
  host.style.setProperty("top", `${clamp(top, innerHeight - size.height)}px`, "important");
}

// Of several images with the same address, the one under the pointer, else the one with the largest visible area.
function findImage(address) {
  const same = deepAll(IMAGES).filter((image) => !address || addressOf(image) === address);
  const seen = same.map((image) => [visibleArea(image), image]).filter(([area]) => area > 0);
  seen.sort(([one], [other]) => other - one);
  return same.find((image) => image.matches(":hover")) ?? (address ? seen[0]?.[1] : null) ?? null;
}

function addressOf(image) {
  return image.currentSrc || image.src || image.href?.baseVal || image.poster;
}

function visibleArea(image) {
  const { left, right, top, bottom } = image.getBoundingClientRect();
  const width = Math.min(right, innerWidth) - Math.max(left, 0);
  const height = Math.min(bottom, innerHeight) - Math.max(top, 0);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * Read an image that only the page can access. Returns { data, redrawn }, a data: address and whether it was read from
 * the page's rendering instead of the file; { tooLarge }; or null if it cannot be read.
 */
async function read(address, limit) {
  const target = card?.target;
  const from = address || (target ? addressOf(target) : "");
  try {
    const response = await fetch(from, { signal: AbortSignal.timeout(20_000) });
    const blob = await response.blob();
    if (blob.size > limit) return { tooLarge: true };
    if (response.ok && blob.size && !blob.type.startsWith("text/html")) return { data: await dataAddress(blob) };
  } catch {
    // Revoked by the page, or blocked by its content security policy: use what is displayed.
  }
  return target?.naturalWidth ? await drawn(target) : null;
}

async function drawn(image) {
  try {
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    canvas.getContext("2d").drawImage(image, 0, 0);
    return { data: await dataAddress(await canvas.convertToBlob({ type: "image/png" })), redrawn: true };
  } catch {
    return null; // from another origin, or not decodable
  }
}

function dataAddress(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", reject);
    reader.readAsDataURL(blob);
  });
}

// Replaced at each check: after an update of the extension, the previous script no longer works.
globalThis.verafaceCard?.close();
globalThis.verafaceCard = { open, show, read, close };
