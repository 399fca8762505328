// The words of the page, one file a language. Nothing here knows what they are about.

/** Each language by its own name. */
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
let plurals = new Intl.PluralRules(language);

/** Loads the language that was chosen before, else the first of the browser's that there is, else English. */
export async function loadLanguage() {
  const wanted = [remembered(), ...navigator.languages.map((tag) => tag.split("-")[0]), "en"];
  await use(wanted.find((name) => name in LANGUAGES));
}

/** Changes the language of everything that is filled in from now on, and remembers it. */
export async function chooseLanguage(name) {
  await use(name);
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // No storage allowed: the choice lasts until the page is closed.
  }
}

async function use(name) {
  const answer = await fetch(`/static/languages/${name}.json`);
  if (!answer.ok) throw new Error(`no words for ${name}: ${answer.status}`);
  words = await answer.json();
  language = name;
  plurals = new Intl.PluralRules(name);
  document.documentElement.lang = name;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(name) ? "rtl" : "ltr";
}

export function currentLanguage() {
  return language;
}

/** text("result.face", { number: 2 }) -> "Face 2". With a `count`, the plural form that belongs to it. */
export function text(path, values = {}) {
  let found = find(path);
  if (typeof found === "object") found = found[plurals.select(values.count)] ?? found.other;
  return found.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

export function hasText(path) {
  return find(path) !== undefined;
}

/** Numbers in the language's way, in the digits that the API uses as well. */
export function number(value, options = {}) {
  return new Intl.NumberFormat(language, { numberingSystem: "latn", ...options }).format(value);
}

/** Puts the words into the elements that ask for them: data-text="hero.heading", data-label="nav.label". */
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
    await chooseLanguage(menu.value);
    onChange();
  });
}

function find(path) {
  return path.split(".").reduce((value, name) => value?.[name], words);
}

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
