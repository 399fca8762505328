// The user's settings, in the browser's storage.
import { LANGUAGES } from "../../src/veraface/server/static/js/language.js";
import { serverAddress } from "./addresses.js";
import { browser } from "./browser.js";

export const DEFAULT_SERVER = "http://127.0.0.1:7860";
/**
 * The permission for reading the image under the pointer. Without http: Chromium revokes every host that a revoked
 * pattern covers, which would include the server on this machine.
 */
export const ALL_SITES = ["https://*/*"];

const KEY = "settings";
const DEFAULTS = {
  server: DEFAULT_SERVER,
  language: "", // the browser's language
  automatic: false,
  history: true,
};
const VALIDATORS = {
  server: (value) => typeof value === "string" && serverAddress(value) === value,
  language: (value) => value === "" || Object.hasOwn(LANGUAGES, value),
  automatic: (value) => typeof value === "boolean",
  history: (value) => typeof value === "boolean",
};

/** All settings, with defaults for missing and invalid values. */
export async function readSettings() {
  const stored = (await browser.storage.local.get(KEY))[KEY] ?? {};
  const valid = Object.entries(stored).filter(([name, value]) => VALIDATORS[name]?.(value));
  return { ...DEFAULTS, ...Object.fromEntries(valid) };
}

export async function saveSettings(changes) {
  await navigator.locks.request(KEY, async () => {
    await browser.storage.local.set({ [KEY]: { ...(await readSettings()), ...changes } });
  });
}

/** Call `listener(settings)` when they change, here or in another page of the extension. */
export function onSettingsChanged(listener) {
  browser.storage.local.onChanged.addListener(async (changes) => {
    if (KEY in changes) listener(await readSettings());
  });
}
