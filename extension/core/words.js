// The language: the one set in the options, else the first of the browser's that there is, else English.
import { LANGUAGES, use } from "../shared/language.js";
import { browser } from "./browser.js";
import { readSettings } from "./settings.js";

let inUse = null; // which language, and the promise whether its words are there

export async function loadWords() {
  const wanted = [(await readSettings()).language, ...navigator.languages.map((tag) => tag.split("-")[0]), "en"];
  const name = wanted.find((name) => Object.hasOwn(LANGUAGES, name));
  if (inUse?.name !== name) inUse = { name, ready: use(name, browser.runtime.getURL("languages")) };
  const asked = inUse;
  // Not there where another language was wanted meanwhile, or the file could not be read: asked anew next time.
  if (!(await asked.ready) && inUse === asked) inUse = null;
  return name;
}
