// The card beside a picture. Runs on the page but apart from its scripts; they cannot look into the closed root, and
// their styles do not reach it. Draws what the worker says and knows nothing itself.
import { element } from "../shared/dom.js";
import { brand, cross, drawView } from "../core/drawing.js";
import { PICTURES, deepAll } from "./pictures.js";
import { bareHost } from "./host.js";
import { cardStyle } from "./styles.js";

const GAP = 10; // px between picture and card
const MARGIN = 8; // px between card and window

let card = null; // { id, host, body, target, before, stop }

function open({ id, view, labels, language, rightToLeft, address }) {
  close();
  const target = findPicture(address);
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
  // The page is not to know what is pressed here, nor to act on it.
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

/** "shown"; "closed" where the person closed it, or another check took its place; "removed" where the page did that, or hid it. */
function show(id, view) {
  if (card?.id !== id) return "closed";
  if (!card.host.isConnected) return "removed";
  const { body, box } = card;
  const hadFocus = body.contains(body.getRootNode().activeElement);
  draw(view);
  if (hadFocus) box.focus({ preventScroll: true });
  return isSeen() ? "shown" : "removed";
}

function isSeen() {
  const { box, host } = card;
  return box.checkVisibility({ visibilityProperty: true }) && Number(getComputedStyle(host).opacity) > 0;
}

function draw(view) {
  const { id, body } = card;
  const shown = drawView(view, (ask) => chrome.runtime.sendMessage({ ask, id }));
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

// Beside the picture where there is room, else over its corner; always within the window.
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

// Of several with the same address the one under the pointer, else the largest that is seen.
function findPicture(address) {
  const same = deepAll(PICTURES).filter((picture) => !address || addressOf(picture) === address);
  const seen = same.map((picture) => [visibleArea(picture), picture]).filter(([area]) => area > 0);
  seen.sort(([one], [other]) => other - one);
  return same.find((picture) => picture.matches(":hover")) ?? (address ? seen[0]?.[1] : null) ?? null;
}

function addressOf(picture) {
  return picture.currentSrc || picture.src || picture.href?.baseVal || picture.poster;
}

function visibleArea(picture) {
  const { left, right, top, bottom } = picture.getBoundingClientRect();
  const width = Math.min(right, innerWidth) - Math.max(left, 0);
  const height = Math.min(bottom, innerHeight) - Math.max(top, 0);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * A picture that only the page has: { data, redrawn }, a data: address and whether it is no more than what is seen;
 * { tooLarge }, or null where it cannot be had.
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
    // Let go by the page already, or held back by its content policy: what it shows is left.
  }
  return target?.naturalWidth ? await drawn(target) : null;
}

async function drawn(picture) {
  try {
    const canvas = new OffscreenCanvas(picture.naturalWidth, picture.naturalHeight);
    canvas.getContext("2d").drawImage(picture, 0, 0);
    return { data: await dataAddress(await canvas.convertToBlob({ type: "image/png" })), redrawn: true };
  } catch {
    return null; // another host's, or none
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

// Put there anew at each check: after an update of the extension, what an earlier version left is dead.
globalThis.verafaceCard?.close();
globalThis.verafaceCard = { open, show, read, close };
