// Draws a view (see view.js) in the card and in the popup. Everything in it is set as text, never as markup.
import { element, icon } from "../shared/dom.js";

const SVG_NAMES = "http://www.w3.org/2000/svg";
const BRAND = {
  corner: "M5 11V8a3 3 0 0 1 3-3h3M21 5h3a3 3 0 0 1 3 3v3M27 21v3a3 3 0 0 1-3 3h-3M11 27H8a3 3 0 0 1-3-3v-3",
  letter: "m10 11.5 6 9.5 6-9.5",
};
const CROSS = { cross: "M10 10l12 12M22 10 10 22" };

/** The mark and the name. */
export function brand() {
  return element("span", { class: "brand" }, drawing(BRAND), "Veraface");
}

export function cross() {
  return drawing(CROSS);
}

function drawing(paths) {
  const svg = document.createElementNS(SVG_NAMES, "svg");
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, line] of Object.entries(paths)) {
    const path = document.createElementNS(SVG_NAMES, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}

/** @param act Called with the name of an action where its button is pressed. */
export function drawView(view, act) {
  const draw = { working: drawWorking, verdict: drawVerdict, fault: drawFault }[view.kind];
  return draw(view, act).filter((node) => node !== null);
}

function drawWorking(view) {
  return [
    headline(view, element("span", { class: "badge turning", "aria-hidden": "true" })),
    element("div", { class: "progress", "aria-hidden": "true" }),
  ];
}

function drawVerdict(view) {
  return [
    headline(view, element("span", { class: "badge" }, icon(view.verdict)), { "data-verdict": view.verdict }),
    element(
      "p",
      { class: "figure" },
      element("span", {}, view.label),
      element("strong", {}, view.percent),
    ),
    scale(view),
    element("p", { class: "hint" }, view.band),
    view.reasons.length ? element("h3", {}, view.reasonsHeading) : null,
    view.reasons.length ? element("ul", { class: "reasons" }, view.reasons.map((said) => note("li", said))) : null,
    element("p", { class: "caveat" }, view.caveat),
  ];
}

function drawFault(view, act) {
  const buttons = view.actions.map(({ name, label }) => {
    const button = element("button", { type: "button", class: "quiet", "data-action": name }, label);
    button.addEventListener("click", (event) => event.isTrusted && act(name));
    return button;
  });
  return [
    headline(view, element("span", { class: "badge" }, icon(view.icon)), { "data-fault": view.fault }),
    view.command ? element("code", { class: "command", dir: "ltr" }, view.command) : null,
    ...view.notes.map((said) => note("p", said)),
    buttons.length ? element("div", { class: "actions" }, buttons) : null,
  ];
}

function headline(view, badge, attributes = {}) {
  const words = element("div", {}, element("h2", { id: "verdict" }, view.heading), element("p", {}, view.detail));
  return element("header", { class: "headline", ...attributes }, badge, words);
}

// The server's own words are English, whatever the language; the list they stand in runs its own way all the same.
function note(tag, { text, english }) {
  return element(tag, { class: "note" }, english ? element("bdi", { lang: "en", dir: "ltr" }, text) : text);
}

function scale({ chance, zones, spoken }) {
  const bar = element("div", { class: "bar", role: "img", dir: "ltr", "aria-label": spoken });
  for (const { verdict, from, to, label } of zones) {
    if (to <= from) continue;
    // Words at the ends may run on below the next zone; in the middle, what would not fit is left to the sentence below.
    const fits = from === 0 || to === 1 || (to - from) * 34 > label.length;
    const zone = element("span", { class: "zone", "data-verdict": verdict }, fits ? element("span", {}, label) : null);
    zone.style.flexGrow = String(to - from);
    bar.append(zone);
  }
  const marker = element("span", { class: "marker" });
  marker.style.left = `${100 * chance}%`;
  bar.append(marker);
  return bar;
}
