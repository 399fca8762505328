// Every finding about an image with its grade: how it is known, and what limits it. Folded below the verdict.
import { verdictName } from "./answer.js";
import { element } from "./dom.js";
import { sizeName } from "./faceSize.js";
import { sentence } from "./format.js";
import { hasText, isolated, number, text } from "./language.js";
import { findingTexts } from "./provenance.js";
import { areFindings, isProvenance } from "./validate.js";

const GRADES = ["inferred", "derived", "observed"]; // the verdict is inferred
const PERCENT = { style: "percent", maximumFractionDigits: 1 };

// Kinds that have a limitation in common; each of the others has its own, by its code.
const COMMON_LIMITS = {
  writable: ["ai_generated", "ai_edited", "captured", "generator_parameters"],
  signed: ["credentials_valid", "credentials_trusted_official", "credentials_trusted_interim", "credentials_verified_publisher"],
  harmless: ["unreadable_metadata", "no_exposure", "odd_date", "future_date", "modified_before_taken", "size_differs"],
  commonSize: ["generator_size", "screen_size", "messenger_size"],
};

/** The section with the findings of an answer; null for one without them, as of earlier versions. */
export function findingsView(answer) {
  if (!areFindings(answer.findings) || !answer.findings.length) return null;
  const groups = GRADES.map((grade) => [grade, answer.findings.filter((finding) => finding.grade === grade)]);
  return element(
    "section",
    { class: "grades" },
    element(
      "details",
      {},
      element("summary", {}, element("h3", {}, text("findings.heading"))),
      groups.filter(([, found]) => found.length).map(([grade, found]) => group(grade, found, answer)),
    ),
  );
}

function group(grade, found, answer) {
  const texts = isProvenance(answer.provenance) ? findingTexts(answer.provenance) : [];
  return element(
    "div",
    { class: "grade", "data-grade": grade },
    element("h4", {}, text(`findings.grades.${grade}.name`)),
    element("p", { class: "hint" }, text(`findings.grades.${grade}.detail`)),
    element("ul", {}, found.map((finding) => item(finding, wordsOf(finding, answer, texts)))),
  );
}

// As the panel of what the file states has it; of several of one kind, each is taken once.
function wordsOf({ origin, code }, answer, texts) {
  if (origin === "model") return text("findings.model", { verdict: verdictName(answer) });
  const at = texts.findIndex(([known]) => known === code);
  return at < 0 ? null : texts.splice(at, 1)[0][1];
}

function item(finding, words) {
  const { code, message, limitation, error_rates } = finding;
  return element(
    "li",
    { "data-code": code },
    line("strong", words, message),
    line("p", limitOf(code), limitation),
    error_rates ? rates(error_rates) : null,
  );
}

/** The page's translation if there is one, else the server's English. */
function line(tag, translated, english) {
  if (translated) return element(tag, {}, translated.charAt(0).toUpperCase() + translated.slice(1));
  return element(tag, { lang: "en", dir: "ltr" }, sentence(english));
}

function limitOf(code) {
  const common = Object.keys(COMMON_LIMITS).find((name) => COMMON_LIMITS[name].includes(code));
  const name = common ?? (hasText(`provenance.signals.${code}`) ? "manifest" : code);
  return hasText(`findings.limits.${name}`) ? text(`findings.limits.${name}`) : null;
}

function rates({ face_size, false_positive_rate, recall, false_negative_rate, real, fake, formats }) {
  const rows = [["realsCalledFake", false_positive_rate], ["fakesCalledFake", recall], ["fakesCalledReal", false_negative_rate]];
  const shown = rows.map(([name, rate]) => element("div", {}, element("dt", {}, text(`dashboard.${name}`)), element("dd", {}, number(rate, PERCENT))));
  const counts = { real: number(real), fake: number(fake) };
  return [
    element("p", {}, ratesText(face_size)),
    element("dl", {}, shown),
    element("p", { class: "hint" }, text("dashboard.glance.caption", counts)),
    formats?.length ? element("p", { class: "hint" }, text("findings.formats", { formats: isolated(formats.join(", ")) })) : null,
  ];
}

/** "Error rates for faces of 64 to 128 pixels": what the figures of a size, or "all", are called. */
export function ratesText(size) {
  return size === "all" ? text("dashboard.sizes.linkAll") : text("dashboard.sizes.link", { size: sizeName(size) });
}
