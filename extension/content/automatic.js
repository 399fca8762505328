// Where the person has switched it on: a picture that the pointer rests on is checked, and a badge says the verdict.
import { element, icon } from "../shared/dom.js";
import { bareHost } from "./host.js";
import { badgeStyle } from "./styles.js";

const REST = 600; // ms
const SMALLEST = 128; // px, either side
const MOST = 200; // checks a page

const known = new Map(); // address to badge, null where there is none
const watching = new AbortController();
let timer = null;
let shown = null; // { host, picture }

addEventListener(
  "pointermove",
  (event) => {
    if (!event.isTrusted || event.pointerType === "touch") return;
    const on = event.composedPath()[0];
    if (shown && on !== shown.picture && on !== shown.host) hide();
    clearTimeout(timer);
    if (on !== shown?.picture && isWorthIt(on)) timer = setTimeout(() => check(on), REST);
  },
  { capture: true, passive: true, signal: watching.signal },
);
addEventListener("scroll", hide, { capture: true, passive: true, signal: watching.signal });

function isWorthIt(node) {
  if (!(node instanceof HTMLImageElement) || !/^https?:/.test(node.currentSrc)) return false;
  return Math.min(node.width, node.height) >= SMALLEST;
}

async function check(picture) {
  const address = picture.currentSrc;
  if (!known.has(address)) {
    if (known.size >= MOST) return;
    known.set(address, null);
    try {
      const { stop, badge, later } = await chrome.runtime.sendMessage({ ask: "under pointer", address });
      if (stop) leaveOff();
      else if (later) askLater(picture, address);
      else known.set(address, badge);
    } catch {
      leaveOff(); // the extension was updated or removed
    }
  }
  const badge = known.get(address);
  if (badge && picture.isConnected && picture.matches(":hover") && picture.currentSrc === address) show(picture, badge);
}

// Another picture is being looked at.
function askLater(picture, address) {
  known.delete(address);
  if (!picture.matches(":hover")) return;
  clearTimeout(timer);
  timer = setTimeout(() => check(picture), REST);
}

function show(picture, badge) {
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
    if (event.isTrusted) chrome.runtime.sendMessage({ ask: "whole card", address: picture.currentSrc });
    hide();
  });
  const host = bareHost(picture.closest("dialog[open]") ?? document.documentElement, badgeStyle, button);
  const { left, top } = picture.getBoundingClientRect();
  host.style.setProperty("left", `${Math.max(left, 0) + 8}px`, "important");
  host.style.setProperty("top", `${Math.max(top, 0) + 8}px`, "important");
  shown = { host, picture };
}

function hide() {
  shown?.host.remove();
  shown = null;
}

function leaveOff() {
  hide();
  clearTimeout(timer);
  watching.abort();
}
