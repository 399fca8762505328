// Runs modules of the extension in Node: a WebExtension API in memory, message catalogs from disk, a server by hand.
import { readFile } from "node:fs/promises";

const EXTENSION = new URL("../../extension/", import.meta.url);
const STATIC = new URL("../../src/veraface/server/static/", import.meta.url);

/** Values in browser.storage.local. */
export const storage = {};
/** Values in browser.storage.session. */
export const session = {};
/** Origins that the user granted. */
export const granted = new Set();

function area(values) {
  return {
    get: async (key) => ({ [key]: values[key] }),
    set: async (changes) => void Object.assign(values, structuredClone(changes)),
    remove: async (key) => void delete values[key],
    onChanged: { addListener() {} },
  };
}

globalThis.chrome = {
  storage: { local: area(storage), session: area(session) },
  permissions: { contains: async ({ origins }) => origins.every((origin) => granted.has(origin)) },
};
Object.defineProperty(globalThis, "navigator", {
  value: { languages: ["en"], locks: { request: (_name, callback) => callback() } },
  configurable: true,
});

/** Import a module of the extension: load("core/detect.js"). */
export function load(name) {
  return import(new URL(name, EXTENSION));
}

/** Use a language's messages, composed as scripts/build_extension.py does. */
export async function useLanguage(name = "en") {
  const read = async (folder) => JSON.parse(await readFile(new URL(`languages/${name}.json`, folder), "utf-8"));
  const [page, own] = [await read(STATIC), await read(EXTENSION)];
  const catalog = { ...page, faults: { ...page.faults, ...own.faults }, extension: own };
  globalThis.fetch = async () => Response.json(catalog);
  const { use } = await import(new URL("js/language.js", STATIC));
  await use(name);
}

/** Answer requests one after another, the last answer repeatedly; returns the list of requests. */
export function serve(...answers) {
  const requests = [];
  globalThis.fetch = async (address, options) => {
    requests.push({ address, ...options });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) throw answer;
    return typeof answer === "function" ? answer(options) : answer.clone();
  };
  return requests;
}

/** A server's answer for an image with one fake face. */
export const VERDICT = {
  success: true,
  verdict: "fake",
  p_fake: 0.9,
  faces: [],
  reasons: [],
  thresholds: { real: 0.2, fake: 0.8 },
};
