// Draws an answer (answer.js) on the page and in the browser extension. It needs no language: all texts are in the answer.
import { element, icon } from "./dom.js";
import { probabilityBar } from "./verdictParts.js";

/** The first of it: icon, verdict, range, scale, why, and what to do next. */
export function answerCard(answer) {
  return element(
    "section",
    { class: "answer", "data-verdict": answer.verdict },
    element(
      "header",
      { class: "headline" },
      element("span", { class: "badge" }, icon(answer.verdict)),
      element(
        "div",
        { class: "answer-name" },
        element("h2", { id: "verdict", tabindex: "-1" }, answer.name),
        answer.range
          ? element("p", { class: "range" }, element("strong", { id: "p-fake" }, answer.range), " ", element("span", { class: "label" }, answer.label))
          : null,
      ),
    ),
    answer.span ? probabilityBar({ span: answer.span, zones: answer.zones, label: answer.scaleLabel }) : null,
    answer.count && answer.count !== answer.why ? element("p", { class: "answer-count" }, answer.count) : null,
    element("p", { class: "answer-why" }, answer.why),
    element(
      "div",
      { class: "answer-next" },
      element("h3", {}, answer.next),
      element("ul", {}, answer.steps.map((step) => element("li", {}, step))),
    ),
  );
}

/** The rest: what the verdict is worth, what it does not rule out, how the scale is read, and that it is no proof. */
export function answerDetails({ worth, open, band, caveat }) {
  const lines = [worth, open, band].filter(Boolean).map((line) => element("p", {}, line));
  return element("section", { class: "answer-more" }, lines, element("p", { class: "not-proof" }, caveat));
}
