// The latest checks, kept by the browser on this machine. Never a picture, never an address.
import { plainName } from "./addresses.js";
import { browser } from "./browser.js";

export const MOST = 50;

const KEY = "history";
const VERDICTS = ["fake", "real", "uncertain", "no_face", "face_too_small"];

/** The latest first: { time, verdict, p_fake, name, sha256 }. */
export async function readHistory() {
  const stored = (await browser.storage.local.get(KEY))[KEY];
  return Array.isArray(stored) ? stored.filter(isSound).slice(0, MOST) : [];
}

/** Puts a check on top; an earlier one of the same picture goes. */
export function remember({ verdict, p_fake, name, sha256 }) {
  return change((entries) => {
    const entry = { time: Date.now(), verdict, p_fake, name: plainName(name), sha256 };
    return [entry, ...entries.filter((other) => other.sha256 !== sha256)].slice(0, MOST);
  });
}

export function clearHistory() {
  return change(() => []);
}

export function onHistoryChanged(heard) {
  browser.storage.local.onChanged.addListener((changes) => {
    if (KEY in changes) heard();
  });
}

// One after another: the worker and the popup may both write.
function change(made) {
  return navigator.locks.request(KEY, async () => {
    await browser.storage.local.set({ [KEY]: made(await readHistory()) });
  });
}

function isSound(entry) {
  return (
    VERDICTS.includes(entry?.verdict) &&
    !Number.isNaN(new Date(entry.time).getTime()) &&
    typeof entry.time === "number" &&
    (entry.p_fake === null || (entry.p_fake >= 0 && entry.p_fake <= 1)) &&
    typeof entry.name === "string" &&
    typeof entry.sha256 === "string"
  );
}
