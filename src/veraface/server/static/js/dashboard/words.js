// Formats figures and intervals; "–" where a card has none.
import { isolated, number, text } from "../language.js";

export const NONE = "–";

/** .0251 -> "2.5%", .5932 -> "59%", 0 -> "0%". `like` settles the digits, so that an interval has those of its figure. */
export function share(value, like = value) {
  if (!isNumber(value)) return NONE;
  const digits = like < 0.0995 ? 1 : 0;
  const least = value === 0 ? 0 : digits;
  return isolated(number(value, { style: "percent", minimumFractionDigits: least, maximumFractionDigits: digits }));
}

/** .9317 -> "0.932". */
export function figure(value) {
  if (!isNumber(value)) return NONE;
  return isolated(number(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 }));
}

/** A share as so many of a hundred: .0251 -> "2.5". */
export function ofHundred(value) {
  if (!isNumber(value)) return NONE;
  const digits = value < 0.0995 && value > 0 ? 1 : 0;
  return isolated(number(value * 100, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
}

/** A card's own words or number; "–" where it has something else. */
export function ownWords(value) {
  return ["string", "number"].includes(typeof value) ? String(value) : NONE;
}

/** The translated name of a value of the card, else the card's own. */
export function nameIn(names, own) {
  return typeof own === "string" && Object.hasOwn(names, own) ? names[own]() : ownWords(own);
}

export function count(value) {
  return isNumber(value) ? isolated(number(value)) : NONE;
}

/** "1.8% to 3.3%"; nothing where the card has no interval. */
export function range(ends, format, like) {
  if (!isRange(ends)) return "";
  return text("dashboard.range", { low: format(ends[0], like), high: format(ends[1], like) });
}

/** "2.5% (1.8% to 3.3%)" */
export function withRange(value, ends, format) {
  const shown = format(value);
  if (shown === NONE || !isRange(ends)) return shown;
  return text("dashboard.withRange", { value: shown, range: range(ends, format, value) });
}

export function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

export function isRange(ends) {
  return Array.isArray(ends) && ends.length === 2 && ends.every(isNumber);
}
