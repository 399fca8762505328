// All figures of a model card: what only somebody who knows the field asks for. Loaded once it is unfolded.
import { element } from "../dom.js";
import { text } from "../language.js";
import { attacksPart, attributesPart } from "./attacks.js";
import { confusionPart } from "./confusion.js";
import { curvesPart } from "./curves.js";
import { Plots } from "./plots.js";
import { reliabilityPart } from "./reliability.js";
import { rocPart } from "./roc.js";
import { scoresPart } from "./scores.js";
import { FIRST_SORT, sourcesPart } from "./sources.js";
import { headlines, provenance } from "./summary.js";
import { tiersPart } from "./tiers.js";
import { worstSlicesPart } from "./worstSlices.js";

export class Figures {
  constructor() {
    this.plots = new Plots();
    this.state = { sort: structuredClone(FIRST_SORT), by: "source", point: "fake", degradation: null, source: "" };
  }

  /** The parts for a card, and the same normalized, in the current language. */
  parts(card, known) {
    const { plots, state } = this;
    plots.clear();
    return [
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
    ].filter(Boolean);
  }

  close() {
    this.plots.close();
  }
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
