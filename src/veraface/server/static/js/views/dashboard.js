// The dashboard: measured performance from the model card; at a glance, then all figures.
import { fetchCard } from "../api.js";
import { examplesOf } from "../dashboard/examples.js";
import { glance } from "../dashboard/glance.js";
import { kindsPart } from "../dashboard/kinds.js";
import { normalizeCard } from "../dashboard/normalizeCard.js";
import { lacking } from "../dashboard/parts.js";
import { sizesPart } from "../dashboard/sizes.js";
import { provenance } from "../dashboard/summary.js";
import { element, icon } from "../dom.js";
import { text } from "../language.js";
import { loadStyle } from "../styles.js";

await loadStyle("dashboard");

export function open(root) {
  const body = element("div", { class: "dashboard-body" });
  let opened = new Set(); // what is unfolded
  let figures = null; // all figures, once they are unfolded
  let card; // undefined as long as it is on its way, null where it cannot be had
  let closed = false;

  const lay = () => {
    opened = new Set([...body.querySelectorAll("details[open]")].map(placeOf));
    body.setAttribute("aria-busy", String(card === undefined));
    if (card === undefined) body.replaceChildren(...skeleton());
    else body.replaceChildren(...(card ? parts(card, unfold) : [unreachable(retry)]));
    for (const details of body.querySelectorAll("details")) details.open = opened.has(placeOf(details));
  };
  // Fills the place of all figures, if it is not yet.
  const unfold = async (place) => {
    const { Figures } = await import("../dashboard/figures.js");
    if (closed || !place.isConnected || place.childElementCount) return;
    figures ??= new Figures();
    place.replaceChildren(...figures.parts(card, normalizeCard(card)));
    for (const details of place.querySelectorAll("details")) details.open = opened.has(placeOf(details));
  };
  // To the part that the address names, or a row of the table of face sizes.
  const goToHash = async () => {
    const id = location.hash.slice(1);
    const folded = body.querySelector("#all > details");
    if (id && folded && !document.getElementById(id)) {
      folded.open = true;
      await unfold(folded.lastElementChild);
    }
    const place = id && !closed && document.getElementById(id);
    if (!place) return;
    place.classList.add("pointed");
    place.scrollIntoView({ block: "center" });
  };
  const load = async () => {
    card = undefined;
    lay();
    card = await fetchCard();
    if (closed) return;
    lay();
    await goToHash();
  };
  const retry = async () => {
    root.focus({ preventScroll: true }); // the button goes
    await load();
  };
  root.append(
    element(
      "div",
      { class: "dashboard" },
      element(
        "header",
        {},
        element("h1", { "data-text": "dashboard.heading" }),
        element("p", { class: "lead", "data-text": "dashboard.lead" }),
      ),
      body,
    ),
  );
  load();
  return {
    title: "dashboard.title",
    render: lay,
    close() {
      closed = true;
      figures?.close();
    },
  };
}

function parts(card, unfold) {
  const known = normalizeCard(card);
  if (!Object.keys(card.measured ?? {}).length) return [unmeasured(), provenance(card, known)];
  return [glance(known.whole ?? {}), kindsPart(known, (id) => examplesOf(card, id)), sizesPart(known), all(unfold)].filter(Boolean);
}

// Folded, and loaded once it is unfolded.
function all(unfold) {
  const heading = element("h2", { id: "all-heading" }, text("dashboard.all"));
  const place = element("div", { class: "dashboard-body" });
  const details = element("details", {}, element("summary", {}, heading), place);
  details.addEventListener("toggle", () => details.open && unfold(place));
  return element("section", { id: "all", "aria-labelledby": "all-heading" }, details);
}

function unmeasured() {
  return element(
    "div",
    { class: "part" },
    lacking(text("dashboard.notMeasured")),
    element("p", { class: "small" }, text("dashboard.measureIt")),
    element("code", { dir: "ltr" }, "veraface evaluate --data DATA --model MODEL --write-card --out report"),
  );
}

function unreachable(retry) {
  const button = element("button", { type: "button", class: "quiet", onclick: retry }, text("again"));
  return element(
    "div",
    { class: "part unreachable", role: "alert" },
    element("h2", {}, icon("server"), text("faults.unreachable.name")),
    element("p", {}, text("dashboard.unreachable")),
    button,
  );
}

function skeleton() {
  const bones = () => [element("span", { class: "bone title" }), element("span", { class: "bone block" })];
  const box = (size = "") => element("div", { class: `part waiting ${size}`, "aria-hidden": "true" }, bones());
  return [
    element("p", { class: "unseen", role: "status" }, text("dashboard.loading")),
    glance(),
    element("div", { class: "pair" }, box("tall"), box("tall")),
    box("tall"),
  ];
}

function placeOf(details) {
  const all = [...details.closest("section").querySelectorAll("details")];
  return `${details.closest("section").id} ${all.indexOf(details)}`;
}
