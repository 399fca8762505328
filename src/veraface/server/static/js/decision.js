// A person's own decision on an image and a note, beside the verdict of the model. Kept with the result in the history.
import { element, icon } from "./dom.js";
import { annotate } from "./history.js";
import { text } from "./language.js";
import { announce } from "./queue.js";

const DECISIONS = ["fake", "uncertain", "real"];

/** Buttons and a field for the card or the panel of a check; updateDecision() fills them. */
export function decisionRow(check) {
  const note = element("input", { type: "text", class: "decision-note", autocomplete: "off", dir: "auto", maxlength: "500" });
  note.addEventListener("change", () => {
    check.note = note.value.trim();
    annotate(check.id, { note: check.note });
  });
  // The keys that leave a view leave the field first: what is written counts from then on.
  note.addEventListener("keydown", (event) => {
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
    event.preventDefault();
    note.blur();
  });
  const buttons = DECISIONS.map((verdict) =>
    element("button", { type: "button", class: "decide", "data-verdict": verdict, onclick: () => decide(check, verdict) }, icon(verdict), element("span")),
  );
  return element("div", { class: "decision" }, element("span", { class: "decision-label" }), buttons, note);
}

/** Show the decision on a check, in the current language, in the row within `node`. */
export function updateDecision(node, check) {
  node.querySelector(".decision").hidden = !isDecidable(check);
  node.querySelector(".decision-label").textContent = text("decision.own");
  for (const button of node.querySelectorAll(".decide")) {
    const { verdict } = button.dataset;
    button.setAttribute("aria-pressed", String(check.decision === verdict));
    button.lastChild.textContent = text(`verdicts.${verdict}.name`);
    button.setAttribute("aria-label", text("decision.decide", { verdict: button.lastChild.textContent }));
    button.title = button.getAttribute("aria-label");
  }
  const note = node.querySelector(".decision-note");
  note.setAttribute("aria-label", text("decision.note"));
  note.placeholder = text("decision.note");
  if (document.activeElement !== note) note.value = check.note ?? "";
}

/** Keys for a decision on the check that `chosen()` returns, if any. */
export function decisionKeys(chosen) {
  const keys = DECISIONS.map((verdict, index) => [String(index + 1), { label: `keys.decide.${verdict}`, run: () => decide(chosen(), verdict) }]);
  return Object.fromEntries(keys);
}

// The same decision again takes it back.
function decide(check, verdict) {
  if (!check || !isDecidable(check)) return;
  check.decision = check.decision === verdict ? null : verdict;
  annotate(check.id, { decision: check.decision });
  announce();
}

function isDecidable({ state }) {
  return ["analyzed", "failed"].includes(state);
}
