// The card beside an image. Runs on the page in an isolated world: the page's scripts cannot read the closed shadow root,
// and its styles do not apply there. Renders the views that the worker sends.
import { element } from "../../src/veraface/server/static/js/dom.js";
import { brand, cross, fold, grip, renderView } from "../core/render.js";
import { IMAGES, deepAll } from "./images.js";
import { bareHost } from "./host.js";
import { placeBeside, WIDTH, within } from "./place.js";
import { cardStyle } from "./styles.js";

const STEP = 24; // px that an arrow key moves the card
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// What the page must neither observe nor handle.
const INPUT = ["keydown", "keyup", "keypress", "click", "pointerdown", "pointermove", "pointerup", "mousedown", "mousemove", "mouseup"];

// { id, host, box, body, fold, target, before, stop, moved, folded }: `moved` is where the user put it, `folded` whether
// the user wants one line only, both null until then.
let card = null;

function open({ id, view, labels, language, rightToLeft, address }) {
  close();
  const target = findImage(address);
  const before = document.activeElement;
  const button = (name, drawing) => element("button", { type: "button", class: `icon-button ${name}`, "aria-label": labels[name], title: labels[name] }, drawing);
  const [move_, fold_, close_] = [button("move", grip()), button("fold", fold()), button("close", cross())];
  const body = element("div", { class: "body", "aria-live": "polite" });
  const dir = rightToLeft ? "rtl" : "ltr";
  const box = element(
    "div",
    { class: "card", role: "dialog", "aria-label": labels.card, tabindex: "-1", lang: language, dir },
    element("div", { class: "top" }, brand(), element("span", { class: "short", dir: "auto" }), move_, fold_, close_),
    body,
  );
  const host = bareHost(target?.closest("dialog[open]") ?? document.documentElement, cardStyle, box);
  const watching = new AbortController();
  const stop = () => watching.abort();
  card = { id, host, box, body, fold: fold_, target, before, stop, moved: null, folded: null };
  close_.addEventListener("click", (event) => event.isTrusted && close());
  fold_.addEventListener("click", (event) => {
    if (!event.isTrusted) return;
    card.folded = !box.classList.contains("folded");
    place();
  });
  setUpMoving(box.firstChild, move_);
  box.addEventListener("keydown", (event) => {
    if (event.isTrusted && event.key === "Escape") close();
  });
  for (const kind of INPUT) box.addEventListener(kind, (event) => event.stopPropagation());
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
  const { id, body, box } = card;
  const shown = renderView(view, (ask) => chrome.runtime.sendMessage({ ask, id }));
  body.replaceChildren(...shown);
  box.querySelector(".short").textContent = [view.name ?? view.heading, view.range].filter(Boolean).join(" · ");
  place();
}

// With the pointer by its head, with the arrow keys while the button for it has the focus.
function setUpMoving(head, button) {
  let from = null; // where pointer and card were
  head.addEventListener("pointerdown", (event) => {
    if (!event.isTrusted || event.button !== 0 || event.target.closest(".close, .fold")) return;
    const { left, top } = card.box.getBoundingClientRect();
    from = { x: event.clientX - left, y: event.clientY - top };
    head.setPointerCapture(event.pointerId);
  });
  head.addEventListener("pointermove", (event) => from && event.isTrusted && moveTo(event.clientX - from.x, event.clientY - from.y));
  for (const kind of ["pointerup", "pointercancel"]) head.addEventListener(kind, () => (from = null));
  button.addEventListener("keydown", (event) => {
    const direction = event.isTrusted && ARROWS[event.key];
    if (!direction) return;
    event.preventDefault();
    const { left, top } = card.box.getBoundingClientRect();
    moveTo(left + STEP * direction[0], top + STEP * direction[1]);
  });
}

function moveTo(left, top) {
  card.moved = { left, top };
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

// Where the user put it, else beside the image; always within the window.
function place() {
  if (!card) return;
  const { box, target, host, moved, folded } = card;
  const room = { width: document.documentElement.clientWidth || innerWidth, height: innerHeight };
  box.classList.remove("folded");
  Object.assign(box.style, { width: `${Math.min(WIDTH, room.width - 16)}px`, maxHeight: "none" });
  const own = placeBeside(target?.isConnected ? target.getBoundingClientRect() : null, box.getBoundingClientRect().height, room);
  const isFolded = folded ?? own.folded;
  Object.assign(box.style, { width: `${own.width}px`, maxHeight: `${isFolded || own.folded || moved ? room.height - 16 : own.height}px` });
  box.classList.toggle("folded", isFolded);
  card.fold.setAttribute("aria-expanded", String(!isFolded));
  const { width, height } = box.getBoundingClientRect();
  const { left, top } = within({ ...own, ...moved, width, height }, room);
  host.style.setProperty("left", `${left}px`, "important");
  host.style.setProperty("top", `${top}px`, "important");
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
