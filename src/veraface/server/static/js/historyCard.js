// One entry of the history as a card: thumbnail, result, time and a link to the result.
import { stateNodes, stateOf } from "./card.js";
import { element, icon, serverPath } from "./dom.js";
import { faultIcon, knownCode } from "./fault.js";
import { nameOf } from "./format.js";
import { text } from "./language.js";

const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["week", 604_800], ["day", 86_400], ["hour", 3600], ["minute", 60]];

let formats = {};

/** An empty card for an entry, to be filled by sayEntry(). */
export function cardOfEntry(entry) {
  const image = entry.picture ? element("img", { alt: "", decoding: "async" }) : placeholder();
  if (entry.picture) image.addEventListener("error", () => image.replaceWith(placeholder()));
  return element(
    "li",
    { class: "card past", "data-id": entry.id, "data-verdict": tint(entry.verdict) },
    element("div", { class: "card-image" }, image),
    element(
      "div",
      { class: "card-words" },
      element("a", { class: "card-link", href: serverPath(`/result/${encodeURIComponent(entry.id)}`), dir: "auto" }),
      element("p", { class: "card-state" }),
      element("p", { class: "past-time" }),
    ),
    element("label", { class: "past-select" }, element("input", { type: "checkbox" })),
    element("button", { type: "button", class: "icon-button card-close" }, icon("close")),
  );
}

/** Load the thumbnail of a card close to the viewport. */
export function showThumbnail(card, entry) {
  const image = card.querySelector("img");
  if (!image || image.src) return;
  const url = URL.createObjectURL(entry.picture);
  for (const name of ["load", "error"]) image.addEventListener(name, () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
}

/** Set all texts of a card in the current language. */
export function updateEntry(card, entry) {
  const name = nameOf(entry);
  const link = card.querySelector(".card-link");
  link.textContent = name;
  link.title = name;
  card.querySelector(".card-state").replaceChildren(...stateNodes(...findings(entry)));
  card.querySelector("input").setAttribute("aria-label", text("history.selectNamed", { name: enclosed(name) }));
  card.querySelector(".card-close").setAttribute("aria-label", text("history.deleteNamed", { name: enclosed(name) }));
  updateTime(card, entry);
}

/** Set the time: the hour, as the day stands above; the relative time where a person points at it. */
export function updateTime(card, { time, decision }) {
  const place = card.querySelector(".past-time");
  const { hour, ago } = formatsOf(document.documentElement.lang);
  const date = new Date(time);
  const shown = element("time", { datetime: date.toISOString(), title: agoText(ago, time) }, hour.format(date));
  const own = decision ? element("span", { class: "past-decision" }, `${text("decision.own")} ${text(`verdicts.${decision}.name`)}`) : null;
  place.replaceChildren(...[time ? shown : null, own].filter(Boolean));
}

/** The day of an entry, as a heading: "Today", "Yesterday", "Thursday, March 12, 2026". */
export function dayText(time) {
  const { day, ago } = formatsOf(document.documentElement.lang);
  const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(time) - midnight(Date.now())) / 86_400_000);
  return days > -2 && days < 1 ? ago.format(days, "day") : day.format(new Date(time));
}

/** A name that keeps its own writing direction, and any tricks with it, to itself. */
export function enclosed(name) {
  return `\u2068${name}\u2069`;
}

/** The name of a verdict in the filter. */
export function verdictName(verdict) {
  if (verdict === "no_face") return text("faults.no_face.name");
  return verdict === "failed" ? text("history.failed") : text(`verdicts.${verdict}.name`);
}

export function verdictIcon(verdict) {
  return verdict === "failed" ? "file" : verdict;
}

/** "no_face" and "failed" have no colour of their own. */
export function tint(verdict) {
  return ["fake", "real", "uncertain"].includes(verdict) ? verdict : "unclassified";
}

function findings({ verdict, p_fake, answer, failure }) {
  if (tint(verdict) !== "unclassified") return answer?.thresholds ? stateOf({ ...answer, verdict, p_fake }) : [verdict, verdictName(verdict)];
  if (verdict === "no_face") return ["no_face", verdictName(verdict)];
  const code = knownCode(failure?.code);
  return [faultIcon(code), failure?.code ? text(`faults.${code}.name`) : verdictName(verdict)];
}

function agoText(ago, time) {
  const seconds = (time - Date.now()) / 1000;
  const [unit, length] = UNITS.find(([, least]) => Math.abs(seconds) >= least) ?? ["second", 1];
  return unit === "second" ? ago.format(0, "second") : ago.format(Math.trunc(seconds / length), unit);
}

// Made once a language: making them takes longer than using them. In the digits that all numbers of the page use.
function formatsOf(language) {
  if (formats.language !== language) {
    const digits = { numberingSystem: "latn" };
    const day = new Intl.DateTimeFormat(language, { ...digits, calendar: "gregory", dateStyle: "full" });
    const hour = new Intl.DateTimeFormat(language, { ...digits, timeStyle: "short" });
    formats = { language, day, hour, ago: new Intl.RelativeTimeFormat(language, { ...digits, numeric: "auto" }) };
  }
  return formats;
}

function placeholder() {
  return element("span", { class: "no-image" }, icon("file"));
}
