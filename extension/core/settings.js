// What the person has set, kept by the browser on this machine.
import { LANGUAGES } from "../shared/language.js";
import { serverAddress } from "./addresses.js";
import { browser } from "./browser.js";

export const DEFAULT_SERVER = "http://127.0.0.1:7860";
/**
 * What reading the picture under the pointer takes. Not http: as Chromium takes back every host that a pattern covers,
 * giving that back would give back the server on this machine as well.
 */
export const EVERYWHERE = ["https://*/*"];

const KEY = "settings";
const DEFAULTS = {
  server: DEFAULT_SERVER,
  language: "", // the browser's
  automatic: false,
  history: true,
};
const MAKES_SENSE = {
  server: (value) => typeof value === "string" && serverAddress(value) === value,
  language: (value) => value === "" || Object.hasOwn(LANGUAGES, value),
  automatic: (value) => typeof value === "boolean",
  history: (value) => typeof value === "boolean",
};

/** All settings; in place of what is missing or makes no sense, the default. */
export async function readSettings() {
  const stored = (await browser.storage.local.get(KEY))[KEY] ?? {};
  const sound = Object.entries(stored).filter(([name, value]) => MAKES_SENSE[name]?.(value));
  return { ...DEFAULTS, ...Object.fromEntries(sound) };
}

export async function saveSettings(changes) {
  await navigator.locks.request(KEY, async () => {
    await browser.storage.local.set({ [KEY]: { ...(await readSettings()), ...changes } });
  });
}

/** Calls `heard(settings)` whenever they change, here or in another page of the extension. */
export function onSettingsChanged(heard) {
  browser.storage.local.onChanged.addListener(async (changes) => {
    if (KEY in changes) heard(await readSettings());
  });
}
