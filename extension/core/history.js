// The latest checks, in the browser's storage. It contains neither images nor addresses.
import { plainName } from "./addresses.js";
import { browser } from "./browser.js";
import { isVerdict } from "./detect.js";
import { forgetImages } from "./images.js";

export const MAX_ENTRIES = 50;

const KEY = "history";
const MAX_ANSWER_LENGTH = 20_000; // characters of a result
const VERDICTS = ["fake", "real", "uncertain", "no_face", "face_obscured", "face_too_small"];

/** Entries { time, verdict, p_fake, name, sha256, answer }, latest first; those of earlier versions have no answer. */
export async function readHistory() {
  const stored = (await browser.storage.local.get(KEY))[KEY];
  if (!Array.isArray(stored)) return [];
  const valid = stored.filter(isValid).slice(0, MAX_ENTRIES);
  return valid.map(({ answer, ...entry }) => (isVerdict(answer) ? { ...entry, answer } : entry));
}

/** Add a check; it replaces an earlier one of the same image. */
export function remember({ verdict, p_fake, name, sha256, answer }) {
  return change((entries) => {
    const kept = answer && withoutDetails(answer);
    const entry = { time: Date.now(), verdict, p_fake, name: plainName(name), sha256, ...(kept ? { answer: kept } : {}) };
    return [entry, ...entries.filter((other) => other.sha256 !== sha256)].slice(0, MAX_ENTRIES);
  });
}

/** Forget all checks, and the images that are in memory. */
export async function clearHistory() {
  await forgetImages();
  await change(() => []);
}

export function onHistoryChanged(listener) {
  browser.storage.local.onChanged.addListener((changes) => {
    if (KEY in changes) listener();
  });
}

// What the popup shows of a result; undefined if that is unreasonably long.
function withoutDetails({ success, verdict, p_fake, p_fake_range, thresholds, reliability, reasons, width, height, faces }) {
  const few = faces.map((face) => ({ box: face?.box, verdict: face?.verdict, p_fake: face?.p_fake, p_fake_range: face?.p_fake_range, reasons: face?.reasons }));
  const kept = { success, verdict, p_fake, p_fake_range, thresholds, reliability, reasons, width, height, faces: few };
  const text = JSON.stringify(kept);
  return text.length <= MAX_ANSWER_LENGTH ? JSON.parse(text) : undefined; // without what is undefined
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
