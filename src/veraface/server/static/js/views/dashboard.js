// The dashboard: measured performance from the model card; at a glance, then all figures.
import { fetchCard } from "../api.js";
import { attacksPart, attributesPart } from "../dashboard/attacks.js";
import { confusionPart } from "../dashboard/confusion.js";
import { curvesPart } from "../dashboard/curves.js";
import { glance } from "../dashboard/glance.js";
import { kindsPart } from "../dashboard/kinds.js";
import { normalizeCard } from "../dashboard/normalizeCard.js";
import { lacking } from "../dashboard/parts.js";
import { Plots } from "../dashboard/plots.js";
import { reliabilityPart } from "../dashboard/reliability.js";
import { rocPart } from "../dashboard/roc.js";
import { scoresPart } from "../dashboard/scores.js";
import { sizesPart } from "../dashboard/sizes.js";
import { FIRST_SORT, sourcesPart } from "../dashboard/sources.js";
import { headlines, provenance } from "../dashboard/summary.js";
import { tiersPart } from "../dashboard/tiers.js";
import { worstSlicesPart } from "../dashboard/worstSlices.js";
import { element, icon } from "../dom.js";
import { text } from "../language.js";

export function open(root) {
  const plots = new Plots();
  const body = element("div", { class: "dashboard-body" });
  const state = { sort: structuredClone(FIRST_SORT), by: "source", point: "fake", degradation: null, source: "" };
  let card; // undefined as long as it is on its way, null where it cannot be had
  let closed = false;

  const lay = () => {
    const opened = new Set([...body.querySelectorAll("details[open]")].map(placeOf));
    plots.clear();
    body.setAttribute("aria-busy", String(card === undefined));
    if (card === undefined) body.replaceChildren(...skeleton());
    else body.replaceChildren(...(card ? parts(card, plots, state) : [unreachable(retry)]));
    for (const details of body.querySelectorAll("details")) details.open = opened.has(placeOf(details));
  };
  const load = async () => {
    card = undefined;
    lay();
    card = await fetchCard();
    if (closed) return;
    lay();
    goToHash();
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
      plots.close();
    },
  };
}

function parts(card, plots, state) {
  const known = normalizeCard(card);
  if (!Object.keys(card.measured ?? {}).length) return [unmeasured(), provenance(card, known)];
  return [
    glance(known.whole ?? {}),
    kindsPart(known),
    sizesPart(known),
    all(
      headlines(known.whole ?? {}),
      provenance(card, known),
      contents(),
      element("div", { class: "pair" }, rocPart(plots, known), reliabilityPart(plots, known)),
      element("div", { class: "pair" }, scoresPart(plots, known, state), confusionPart(known)),
      sourcesPart(known, state),
      attacksPart(known, state),
      attributesPart(known),
      tiersPart(known),
      curvesPart(plots, known, state),
      worstSlicesPart(known),
    ),
  ].filter(Boolean);
}

// Folded: what only somebody who knows the field asks for.
function all(...children) {
  const heading = element("h2", { id: "all-heading" }, text("dashboard.all"));
  const details = element("details", {}, element("summary", {}, heading), element("div", { class: "dashboard-body" }, children));
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

// The way to each part. No plain links to "#...": the router would open the view anew.
function contents() {
  const places = [
    ["roc", text("dashboard.roc.heading")],
    ["reliability", text("dashboard.reliability.heading")],
    ["scores", text("dashboard.scores.heading")],
    ["confusion", text("dashboard.confusion.heading")],
    ["sources", text("dashboard.sources.heading")],
    ["attacks", text("dashboard.attacks.heading")],
    ["attributes", text("dashboard.attributes.heading")],
    ["tiers", text("dashboard.tiers.heading")],
    ["curves", text("dashboard.curves.heading")],
    ["spots", text("dashboard.spots.heading")],
  ];
  const link = ([id, words]) => element("li", {}, element("a", { href: `#${id}`, onclick: jump }, words));
  return element("nav", { class: "contents", "aria-label": text("dashboard.contents") }, element("ul", {}, places.map(link)));
}

function jump(event) {
  event.preventDefault();
  const id = new URL(event.currentTarget.href).hash.slice(1);
  const heading = document.getElementById(`${id}-heading`);
  heading?.closest("section").scrollIntoView();
  heading?.focus({ preventScroll: true });
}

function goToHash() {
  const place = location.hash && document.getElementById(location.hash.slice(1));
  if (!place) return;
  const folded = place.closest("details");
  if (folded) folded.open = true;
  place.classList.add("pointed");
  place.scrollIntoView({ block: "center" });
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
