// The language: the one chosen in the options, else the first supported one of the browser's, else English.
import { LANGUAGES, use } from "../../src/veraface/server/static/js/language.js";
import { browser } from "./browser.js";
import { readSettings } from "./settings.js";

let active = null; // { name, ready: promise whether its catalog was loaded }

export async function loadLanguage() {
  const wanted = [(await readSettings()).language, ...navigator.languages.map((tag) => tag.split("-")[0]), "en"];
  const name = wanted.find((name) => Object.hasOwn(LANGUAGES, name));
  if (active?.name !== name) active = { name, ready: use(name, browser.runtime.getURL("languages")) };
  const requested = active;
  // Another language was requested meanwhile, or the file could not be read: the next call tries again.
  if (!(await requested.ready) && active === requested) active = null;
  return name;
}
