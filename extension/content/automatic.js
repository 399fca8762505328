// If the user enabled it: checks the image under the pointer and shows the verdict in a badge.
import { element, icon } from "../../src/veraface/server/static/js/dom.js";
import { bareHost } from "./host.js";
import { badgeStyle } from "./styles.js";

const DELAY_MS = 600; // that the pointer stays on an image
const MIN_SIDE = 128; // px
const MAX_CHECKS = 200; // per page

const known = new Map(); // address to badge, null without a verdict
const watching = new AbortController();
let timer = null;
let shown = null; // { host, image }

addEventListener(
  "pointermove",
  (event) => {
    if (!event.isTrusted || event.pointerType === "touch") return;
    const on = event.composedPath()[0];
    if (shown && on !== shown.image && on !== shown.host) hide();
    clearTimeout(timer);
    if (on !== shown?.image && isLargeImage(on)) timer = setTimeout(() => check(on), DELAY_MS);
  },
  { capture: true, passive: true, signal: watching.signal },
);
addEventListener("scroll", hide, { capture: true, passive: true, signal: watching.signal });

function isLargeImage(node) {
  if (!(node instanceof HTMLImageElement) || !/^https?:/.test(node.currentSrc)) return false;
  return Math.min(node.width, node.height) >= MIN_SIDE;
}

async function check(image) {
  const address = image.currentSrc;
  if (!known.has(address)) {
    if (known.size >= MAX_CHECKS) return;
    known.set(address, null);
    try {
      const { stop: off, badge, later } = await chrome.runtime.sendMessage({ ask: "under pointer", address });
      if (off) stop();
      else if (later) askLater(image, address);
      else known.set(address, badge);
    } catch {
      stop(); // the extension was updated or removed
    }
  }
  const badge = known.get(address);
  if (badge && image.isConnected && image.matches(":hover") && image.currentSrc === address) show(image, badge);
}

// The worker is checking another image.
function askLater(image, address) {
  known.delete(address);
  if (!image.matches(":hover")) return;
  clearTimeout(timer);
  timer = setTimeout(() => check(image), DELAY_MS);
}

function show(image, badge) {
  hide();
  const { verdict, language, rightToLeft, label } = badge;
  const dir = rightToLeft ? "rtl" : "ltr";
  const button = element(
    "button",
    { type: "button", class: "pill", "data-verdict": verdict, lang: language, dir, title: label },
    icon(verdict),
    element("span", {}, badge.short),
    element("span", { class: "percent" }, badge.percent),
  );
  button.addEventListener("click", (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (event.isTrusted) chrome.runtime.sendMessage({ ask: "whole card", address: image.currentSrc });
    hide();
  });
  const host = bareHost(image.closest("dialog[open]") ?? document.documentElement, badgeStyle, button);
  const { left, top } = image.getBoundingClientRect();
  host.style.setProperty("left", `${Math.max(left, 0) + 8}px`, "important");
  host.style.setProperty("top", `${Math.max(top, 0) + 8}px`, "important");
  shown = { host, image };
}

function hide() {
  shown?.host.remove();
  shown = null;
}

function stop() {
  hide();
  clearTimeout(timer);
  watching.abort();
}
