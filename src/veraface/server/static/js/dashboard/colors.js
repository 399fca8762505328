// The page's colours, as a canvas needs them: light-dark() and the like resolved for the theme of the moment.
import { element } from "../dom.js";

const THEME = { attributes: true, attributeFilter: ["data-theme"] };
const systemLight = matchMedia("(prefers-color-scheme: light)");
const forced = matchMedia("(forced-colors: active)");

const SYSTEM = { raised: "Canvas", line: "GrayText", "text-faint": "GrayText" }; // where the person's system sets the colours

let known = new Map();
let probe = null;

/** colour("accent") -> "rgb(138, 173, 255)" */
export function color(name) {
  if (!probe?.isConnected) {
    probe = element("span", { hidden: true });
    document.body.append(probe);
    known = new Map();
  }
  if (!known.has(name)) {
    probe.style.color = forced.matches ? (SYSTEM[name] ?? "CanvasText") : `var(--${name})`;
    known.set(name, getComputedStyle(probe).color);
  }
  return known.get(name);
}

/** The same, so much of it let through: faint("accent", 0.2). */
export function faint(name, alpha) {
  return color(name).replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
}

/** Calls back whenever the colours are others: theme, system's wish, paper. Returns what ends that. */
export function onColors(redraw) {
  const changed = () => {
    known = new Map();
    redraw();
  };
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, THEME);
  const onPaper = (on) => () => {
    document.body.classList.toggle("on-paper", on);
    changed();
  };
  const before = onPaper(true);
  const after = onPaper(false);
  for (const wish of [systemLight, forced]) wish.addEventListener("change", changed);
  addEventListener("beforeprint", before);
  addEventListener("afterprint", after);
  return () => {
    observer.disconnect();
    for (const wish of [systemLight, forced]) wish.removeEventListener("change", changed);
    removeEventListener("beforeprint", before);
    removeEventListener("afterprint", after);
    probe?.remove();
  };
}
