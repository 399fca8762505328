// The latest checks, in the browser's storage. It contains neither images nor addresses.
import { plainName } from "./addresses.js";
import { browser } from "./browser.js";

export const MAX_ENTRIES = 50;

const KEY = "history";
const VERDICTS = ["fake", "real", "uncertain", "no_face", "face_too_small"];

/** Entries { time, verdict, p_fake, name, sha256 }, latest first. */
export async function readHistory() {
  const stored = (await browser.storage.local.get(KEY))[KEY];
  return Array.isArray(stored) ? stored.filter(isValid).slice(0, MAX_ENTRIES) : [];
}

/** Add a check; it replaces an earlier one of the same image. */
export function remember({ verdict, p_fake, name, sha256 }) {
  return change((entries) => {
    const entry = { time: Date.now(), verdict, p_fake, name: plainName(name), sha256 };
    return [entry, ...entries.filter((other) => other.sha256 !== sha256)].slice(0, MAX_ENTRIES);
  });
}

export function clearHistory() {
  return change(() => []);
}

export function onHistoryChanged(listener) {
  browser.storage.local.onChanged.addListener((changes) => {
    if (KEY in changes) listener();
  });
}

// The lock serializes writes of the worker and the popup.
function change(update) {
  return navigator.locks.request(KEY, async () => {
    await browser.storage.local.set({ [KEY]: update(await readHistory()) });
  });
}

function isValid(entry) {
  return (
    VERDICTS.includes(entry?.verdict) &&
    !Number.isNaN(new Date(entry.time).getTime()) &&
    typeof entry.time === "number" &&
    (entry.p_fake === null || (entry.p_fake >= 0 && entry.p_fake <= 1)) &&
    typeof entry.name === "string" &&
    typeof entry.sha256 === "string"
  );
}
