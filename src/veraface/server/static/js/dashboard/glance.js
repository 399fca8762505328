// What a person wants to know first: how many of 100 real and of 100 fake faces are classified rightly, and what a verdict is worth.
import { element, icon } from "../dom.js";
import { text } from "../language.js";
import { count, isNumber, ofHundred } from "./words.js";

const ICONS = { right: "real", open: "uncertain", wrong: "cancelled" };
// Kind of outcome, key of its share, and verdict.
const REAL = [["right", null, "real"], ["open", "reals_uncertain", "uncertain"], ["wrong", "reals_called_fake", "fake"]];
const FAKE = [["right", "fakes_called_fake", "fake"], ["open", "fakes_uncertain", "uncertain"], ["wrong", "fakes_called_real", "real"]];

/** Two arrays of 100 faces and the worth of each verdict; gray while `whole`, the row of all images, is undefined. */
export function glance(whole) {
  const counted = whole && isNumber(whole.real) && isNumber(whole.fake);
  const caption = counted ? text("dashboard.glance.caption", { real: count(whole.real), fake: count(whole.fake) }) : " ";
  return element(
    "div",
    { class: "glance" },
    hundred(text("dashboard.glance.real"), sharesOf(whole, REAL)),
    hundred(text("dashboard.glance.fake"), sharesOf(whole, FAKE)),
    worth(whole),
    element("p", { class: "small" }, caption),
  );
}

function sharesOf(whole = {}, outcomes) {
  const known = outcomes.map(([kind, key, verdict]) => ({ kind, verdict, share: whole[key] }));
  const rest = 1 - known.reduce((sum, { share }) => sum + (share ?? 0), 0);
  for (const one of known) if (one.share === undefined && outcomes === REAL) one.share = rest;
  return known.every(({ share }) => isNumber(share)) && Object.keys(whole).length ? known : null;
}

function hundred(heading, shares) {
  const counts = shares ? wholeNumbers(shares.map(({ share }) => share)) : [];
  const faces = shares ? shares.flatMap(({ kind }, i) => Array(counts[i]).fill(kind)) : Array(100).fill("unknown");
  const array = element("div", { class: "hundred", "aria-hidden": "true" }, faces.map((kind) => element("span", { "data-kind": kind }, icon(ICONS[kind] ?? "no_face"))));
  const line = ({ kind, verdict, share }) =>
    element(
      "li",
      { "data-kind": kind },
      icon(ICONS[kind]),
      element("strong", {}, ofHundred(share)),
      element("span", {}, text(`dashboard.glance.${kind}`, { verdict: text(`verdicts.${verdict}.name`) })),
    );
  const lines = shares?.map(line) ?? REAL.map(() => element("li", {}, element("span", { class: "bone word", "aria-hidden": "true" })));
  return element("section", { class: "part" }, element("h2", {}, heading), array, element("ul", { class: "outcomes" }, lines));
}

// Of 100 faces with each verdict, how many were fake, if half of all faces are.
function worth(whole = {}) {
  const fakeShare = (fakes, reals) => Math.round((100 * fakes) / (fakes + reals));
  const reals = sharesOf(whole, REAL);
  const fakes = sharesOf(whole, FAKE);
  const line = (verdict) => {
    const of = (shares) => shares.find((one) => one.verdict === verdict).share;
    const fake = fakes && reals && of(fakes) + of(reals) > 0 ? fakeShare(of(fakes), of(reals)) : null;
    const words = fake === null ? element("span", { class: "bone word" }) : text(`answer.worth.${verdict}`, { fake: count(fake), real: count(100 - fake) });
    return element("div", { "data-verdict": verdict }, element("dt", {}, icon(verdict), text(`verdicts.${verdict}.name`)), element("dd", {}, words));
  };
  return element(
    "section",
    { class: "part worth" },
    element("h2", {}, text("dashboard.glance.worth")),
    element("dl", {}, ["fake", "uncertain", "real"].map(line)),
    element("p", { class: "small" }, text("dashboard.glance.half")),
  );
}

/** Whole numbers that add up to 100: those with the largest remainders are rounded up. */
function wholeNumbers(shares) {
  const counts = shares.map((share) => Math.floor(100 * share));
  const byRemainder = shares.map((share, i) => i).sort((a, b) => ((100 * shares[b]) % 1) - ((100 * shares[a]) % 1));
  for (let i = 0; counts.reduce((sum, one) => sum + one, 0) < 100; i += 1) counts[byRemainder[i % 3]] += 1;
  return counts;
}
