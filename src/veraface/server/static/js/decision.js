// A person's own decision on an image and a note, beside the verdict of the model. Kept with the result in the history.
import { element, icon } from "./dom.js";
import { annotate } from "./history.js";
import { text } from "./language.js";
import { announce } from "./queue.js";

export const DECISIONS = ["fake", "uncertain", "real"];

/** Buttons and a field on the card of a check; updateDecision() fills them. */
export function decisionRow(check) {
  const button = (verdict) => element("button", { type: "button", class: "judge", "data-verdict": verdict, onclick: () => decide(check, verdict) }, icon(verdict));
  const note = element("input", { type: "text", class: "card-note", autocomplete: "off", dir: "auto", maxlength: "500" });
  note.addEventListener("change", () => {
    check.note = note.value.trim();
    annotate(check.id, { note: check.note });
  });
  return element("div", { class: "card-judge" }, element("span", { class: "judge-label" }), DECISIONS.map(button), note);
}

export function updateDecision(card, check) {
  card.querySelector(".card-judge").hidden = check.state !== "analyzed" && check.state !== "failed";
  card.querySelector(".judge-label").textContent = text("decision.own");
  for (const button of card.querySelectorAll(".judge")) {
    const { verdict } = button.dataset;
    button.setAttribute("aria-pressed", String(check.decision === verdict));
    button.setAttribute("aria-label", text("decision.decide", { verdict: text(`verdicts.${verdict}.name`) }));
    button.title = button.getAttribute("aria-label");
  }
  const note = card.querySelector(".card-note");
  note.setAttribute("aria-label", text("decision.note"));
  note.placeholder = text("decision.note");
  if (document.activeElement !== note) note.value = check.note ?? "";
}

/** Record a decision; the same one again takes it back. */
export function decide(check, verdict) {
  if (!check || !["analyzed", "failed"].includes(check.state)) return;
  check.decision = check.decision === verdict ? null : verdict;
  annotate(check.id, { decision: check.decision });
  announce();
}
