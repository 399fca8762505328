// The worst slices. The card lists them as English sentences, the worst first.
import { element } from "../dom.js";
import { text } from "../language.js";
import { lacking, part } from "./parts.js";

const KINDS = [
  [/of reals called fake/, () => text("dashboard.realsCalledFake")],
  [/of fakes called real/, () => text("dashboard.fakesCalledReal")],
  [/: AUC /, () => text("dashboard.spots.auc")],
  [/./, () => text("dashboard.spots.other")],
];

export function worstSlicesPart({ measured }) {
  const heading = text("dashboard.spots.heading");
  const sentences = measured.weak_spots;
  if (!sentences) return part("spots", heading, lacking(text("dashboard.spots.lacking")));
  const { warnings } = measured;
  const groups = KINDS.map(([pattern, name], i) => [
    name(),
    sentences.filter((sentence) => KINDS.findIndex(([other]) => other.test(sentence)) === i),
  ]).filter(([, own]) => own.length);
  return part(
    "spots",
    heading,
    element("p", { class: "caption" }, sentences.length ? text("dashboard.spots.caption") : text("dashboard.spots.none")),
    warnings.length ? block(text("dashboard.spots.warnings"), warnings) : null,
    element("div", { class: "spots" }, groups.map(([name, own]) => block(name, own))),
  );
}

function block(name, sentences) {
  const items = sentences.map((sentence) => {
    const end = sentence.indexOf(": ");
    if (end < 0) return element("li", {}, sentence);
    return element("li", {}, element("strong", {}, sentence.slice(0, end)), element("span", {}, sentence.slice(end + 2)));
  });
  return element("div", {}, element("h3", {}, name), element("ul", { lang: "en", dir: "ltr" }, items));
}
