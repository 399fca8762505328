// The message catalogs of the page, one file per language.
import { serverPath } from "./dom.js";
import { keep, remembered } from "./storage.js";

/** The languages by their own names. */
export const LANGUAGES = {
  en: "English",
  ar: "العربية",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  hi: "हिन्दी",
  zh: "中文",
};
const RIGHT_TO_LEFT = ["ar"];
const KEY = "veraface-language";

let language = "en";
let words = {};
let rightToLeft = false;
let latest = 0; // how often a language was asked for
let plurals = new Intl.PluralRules(language);
const formats = new Map(); // of numbers, which take long to make
let overlays = []; // parts of the catalog whose texts replace others

/** Loads the language that was chosen before, else the first of the browser's that there is, else English. */
export async function loadLanguage() {
  const wanted = [remembered(KEY), ...navigator.languages.map((tag) => tag.split("-")[0]), "en"];
  for (const name of new Set(wanted.filter((name) => Object.hasOwn(LANGUAGES, name)))) {
    if (await use(name)) return;
  }
}

async function choose(name) {
  if (!(await use(name))) return false;
  keep(KEY, name);
  return true;
}

/**
 * Whether the language is in use now: not where its words do not come, or another was wanted meanwhile. The browser
 * extension keeps its words in a folder of its own, and its worker has no document.
 */
export async function use(name, folder = serverPath("/static/languages")) {
  const own = (latest += 1);
  let fetched;
  try {
    const answer = await fetch(`${folder}/${name}.json`);
    if (!answer.ok) return false;
    fetched = await answer.json();
  } catch {
    return false;
  }
  if (own !== latest) return false;
  words = fetched;
  language = name;
  plurals = new Intl.PluralRules(name);
  rightToLeft = RIGHT_TO_LEFT.includes(name);
  if (globalThis.document) {
    document.documentElement.lang = name;
    document.documentElement.dir = rightToLeft ? "rtl" : "ltr";
  }
  return true;
}

/**
 * text("result.face", { number: 2 }) -> "Face 2". With a `count`, the plural form that belongs to it. Nothing as
 * long as no language is loaded.
 */
export function text(path, values = {}) {
  let found = find(path) ?? "";
  if (typeof found === "object") found = found[plurals.select(values.count)] ?? found.other;
  return found.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Have texts of these parts of the catalog replace those of the same paths: "neverSayReal" holds "verdicts.real.name". */
export function useOverlays(names) {
  overlays = names;
}

export function hasText(path) {
  return find(path) !== undefined;
}

export function isRightToLeft() {
  return rightToLeft;
}

/** Keeps its place and its order among words that are written from right to left. */
export function isolated(shown) {
  return rightToLeft ? `\u2066${shown}\u2069` : shown;
}

/** Numbers in the language's way, in the digits that the API uses as well. */
export function number(value, options = {}) {
  const key = JSON.stringify([language, options]);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat(language, { numberingSystem: "latn", ...options })));
  return format.format(value);
}

/** "14 March 2026 at 09:26", in the way of the browser's region where it speaks the language of the page. */
export function dateAndTime(time, style = { dateStyle: "long", timeStyle: "short" }) {
  const region = navigator.languages?.find((tag) => tag.split("-")[0] === language) ?? language;
  return new Intl.DateTimeFormat(region, { numberingSystem: "latn", calendar: "gregory", ...style }).format(time);
}

/** Join parts of a sentence as the language does: "a, b, and c". */
export function list(parts) {
  return new Intl.ListFormat(language).format(parts);
}

/** Set the texts of elements with data-text="hero.heading" or data-label="nav.label". */
export function fillIn(root) {
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", text(node.dataset.label));
}

/** Fills the menu of languages; `onChange` is called once the words are there. */
export function setUpLanguageMenu(menu, onChange) {
  for (const [name, own] of Object.entries(LANGUAGES)) {
    const option = new Option(own, name, false, name === language);
    option.lang = name;
    menu.append(option);
  }
  menu.addEventListener("change", async () => {
    const changed = await choose(menu.value);
    menu.value = language;
    if (changed) onChange();
  });
}

function find(path) {
  for (const name of overlays) {
    const found = lookUp(`${name}.${path}`);
    if (found !== undefined) return found;
  }
  return lookUp(path);
}

function lookUp(path) {
  const within = (value, name) => (typeof value === "object" && Object.hasOwn(value, name) ? value[name] : undefined);
  return path.split(".").reduce(within, words);
}
