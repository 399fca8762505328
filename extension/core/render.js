// Renders a view (see resultView.js) in the card and in the popup. Everything is set as text, never as markup.
import { element, icon } from "../../src/veraface/server/static/js/dom.js";
import { answerCard, answerDetails } from "../../src/veraface/server/static/js/answerCard.js";
import { fromDataAddress } from "./base64.js";

const SVG_NAMES = "http://www.w3.org/2000/svg";
const BRAND = {
  corner: "M5 11V8a3 3 0 0 1 3-3h3M21 5h3a3 3 0 0 1 3 3v3M27 21v3a3 3 0 0 1-3 3h-3M11 27H8a3 3 0 0 1-3-3v-3",
  letter: "m10 11.5 6 9.5 6-9.5",
};
const CROSS = { cross: "M10 10l12 12M22 10 10 22" };
const GRIP = { grip: "M16 6v20M6 16h20M16 6l-3 3M16 6l3 3M16 26l-3-3M16 26l3-3M6 16l3-3M6 16l3 3M26 16l-3-3M26 16l-3 3" };
const FOLD = { fold: "M9 19l7-7 7 7" };

/** The logo and the name. */
export function brand() {
  return element("span", { class: "brand" }, drawing(BRAND), "Veraface");
}

export function cross() {
  return drawing(CROSS);
}

export function grip() {
  return drawing(GRIP);
}

export function fold() {
  return drawing(FOLD);
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

/** @param act Called with an action's name when its button is pressed. */
export function renderView(view, act) {
  const draw = { working: drawWorking, verdict: drawVerdict, fault: drawFault }[view.kind];
  return draw(view, act).filter((node) => node !== null);
}

function drawWorking(view) {
  return [
    headline(view, element("span", { class: "badge turning", "aria-hidden": "true" })),
    element("div", { class: "progress", "aria-hidden": "true" }),
  ];
}

function drawVerdict(view, act) {
  return [
    answerCard(view),
    view.faces.length ? facesView(view) : null,
    buttons(view.actions, act),
    view.hint ? element("p", { class: "hint" }, view.hint) : null,
    answerDetails(view),
    view.reasons.length ? element("h3", {}, view.reasonsHeading) : null,
    view.reasons.length ? element("ul", { class: "reasons" }, view.reasons.map((reason) => note("li", reason))) : null,
  ];
}

function buttons(actions, act) {
  const nodes = actions.map(({ name, label, hint }) => {
    const button = element("button", { type: "button", class: "quiet", "data-action": name, title: hint }, label);
    button.addEventListener("click", (event) => event.isTrusted && act(name));
    return button;
  });
  return nodes.length ? element("div", { class: "actions" }, nodes) : null;
}

function facesView({ faces, facesHeading }) {
  const items = faces.map(({ picture, verdict, name, range, label }) =>
    element(
      "li",
      { "data-verdict": verdict, "aria-label": label },
      pictureView(picture),
      element("span", { class: "face-name" }, name),
      range ? element("bdi", { class: "chance" }, range) : null,
    ),
  );
  return element("section", { class: "faces" }, element("h3", {}, facesHeading), element("ul", {}, items));
}

// Drawn, not loaded: the content security policy of a page may forbid images with such addresses.
function pictureView(picture) {
  const canvas = element("canvas", { class: "cut-out", width: "80", height: "80", "aria-hidden": "true" });
  if (picture) draw(canvas, picture).catch(() => {}); // stays empty
  return canvas;
}

async function draw(canvas, picture) {
  const bitmap = await createImageBitmap(fromDataAddress(picture));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
}

function drawFault(view, act) {
  return [
    headline(view, element("span", { class: "badge" }, icon(view.icon)), { "data-fault": view.fault }),
    view.command ? element("code", { class: "command", dir: "ltr" }, view.command) : null,
    ...view.notes.map((line) => note("p", line)),
    buttons(view.actions, act),
  ];
}

function headline(view, badge, attributes = {}) {
  const words = element("div", {}, element("h2", { id: "verdict" }, view.heading), element("p", {}, view.detail));
  return element("header", { class: "headline", ...attributes }, badge, words);
}

// Messages of the server are English in every language; the list around them keeps its own writing direction.
function note(tag, { text, english }) {
  return element(tag, { class: "note" }, english ? element("bdi", { lang: "en", dir: "ltr" }, text) : text);
}
