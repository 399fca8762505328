// The queue of images and videos of this visit: added, sent in turn, kept until the page is left.
import { detect, detectLink } from "./api.js";
import { remember } from "./history.js";
import { differenceHash } from "./duplicates.js";
import { makeThumbnail, sha256 } from "./images.js";
import { isVideo } from "./video/files.js";

const AT_ONCE = 2; // the default number of worker processes of the server
const MAX_TRIES = 5; // for an image that a busy server refuses
const MAX_WAIT_S = 60; // between two tries, even if Retry-After is longer
const THUMBNAIL_SIDE = 640; // px of the copy that the history keeps
const MAX_HASHED_BYTES = 256 * 2 ** 20; // of a video: the browser hashes only what lies in memory as a whole

/** Event "change" for every change, its detail the check (or null: several). */
export const changes = new EventTarget();

let list = [];

/** All checks in the order they were added. */
export function checks() {
  return list;
}

export function find(id) {
  return list.find((check) => check.id === id);
}

/**
 * Add files or one link, as { link }, to the queue; nothing is sent before analyse() and no listener is notified before
 * announce().
 *
 * A check is { id, name, size, file, link, url, time, state, answer, failure, verdict, p_fake, hash, retryAt }. Its state
 * is "ready" (waits for the user), "queued", "analyzing", "busy", "analyzed", "failed" or "cancelled". `maxBytes(file)` is the
 * size limit of a file, 0 if its type is not supported; `shape` the image's { width, height }, if known; `animations` the
 * Set of files that are animated images.
 */
export function enqueue(files, { maxBytes = () => Infinity, shape = null, animations = new Set() } = {}) {
  const added = [...files].map((file) => ({ ...newCheck(file, animations.has(file)), maxBytes: maxBytes(file), shape }));
  list = [...list, ...added];
  return added;
}

/** Notify listeners that the list has changed. */
export function announce() {
  changed(null);
}

/** Send those that are ready, canceled or failed. */
export function analyse(chosen) {
  for (const check of chosen) {
    if (["queued", "analyzing", "busy", "analyzed"].includes(check.state)) continue;
    if (check.file && check.size > check.maxBytes) {
      // Refused before it is sent: a browser may not get to read an answer that comes while it still sends.
      const limit = { size: check.size, most: check.maxBytes };
      finish(check, { kind: "failed", code: tooLarge(check), message: "", limit: check.maxBytes ? limit : null, answer: {} });
      continue;
    }
    Object.assign(check, { state: "queued", tries: 0, failure: null, answer: null });
  }
  changed(null);
  sendNext();
}

export function cancel(chosen) {
  for (const check of chosen) {
    if (!isOpen(check)) continue;
    check.state = "cancelled";
    check.controller?.abort();
    clearTimeout(check.timer);
  }
  changed(null);
  sendNext();
}

/** Remove checks from the list; their entries in the history stay. */
export function remove(chosen) {
  cancel(chosen);
  for (const check of chosen) if (check.url) URL.revokeObjectURL(check.url);
  list = list.filter((check) => !chosen.includes(check));
  changed(null);
}

/** Return whether a check waits for an answer. */
export function isOpen(check) {
  return ["ready", "queued", "analyzing", "busy"].includes(check.state);
}

/** Return whether a check has a result or a failure; a canceled one is neither open nor done. */
export function isDone(check) {
  return ["analyzed", "failed"].includes(check.state);
}

/** Retry a check on a busy server now instead of at `retryAt`. */
export function retryNow(check) {
  if (check.state !== "busy") return;
  clearTimeout(check.timer);
  check.state = "queued";
  changed(check);
  sendNext();
}

function newCheck(given, animation) {
  const file = given instanceof Blob ? given : null;
  const url = file ? URL.createObjectURL(file) : null;
  return {
    id: newId(),
    name: file ? (file.name ?? "") : given.link,
    size: file?.size ?? null,
    file,
    video: animation || isVideo(file), // analyzed frame by frame; `progress` is { done, total } meanwhile, as of `movedAt`
    animation, // an image that moves
    progress: null,
    link: given.link ?? null,
    url,
    time: Date.now(),
    state: "ready",
    answer: null,
    failure: null,
    verdict: null,
    p_fake: null,
    hash: null,
    look: null, // what the image looks like, to find copies
    decision: null, // the person's own: "fake", "real" or "uncertain"
    note: "",
  };
}

// crypto.randomUUID is there on secure origins only; Veraface may be served plainly in a local network.
function newId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sendNext() {
  const free = AT_ONCE - list.filter((check) => check.state === "analyzing").length;
  for (const check of list.filter(({ state }) => state === "queued").slice(0, Math.max(0, free))) send(check);
}

async function send(check) {
  const controller = new AbortController();
  Object.assign(check, { state: "analyzing", controller, sentAt: Date.now(), movedAt: Date.now(), progress: null, tries: check.tries + 1 });
  changed(check);
  // Meanwhile, so that it is there with the verdict.
  if (check.file && (!check.video || check.size <= MAX_HASHED_BYTES)) check.hashing ??= sha256(check.file).then((hash) => (check.hash = hash));
  const outcome = await ask(check, controller.signal);
  if (!outcome || check.controller !== controller || check.state !== "analyzing") return;
  if (outcome.kind === "busy" && check.tries < MAX_TRIES) waitAndRetry(check, outcome);
  else finish(check, outcome.kind === "busy" ? { ...outcome, kind: "failed", code: busyCode(outcome) } : outcome);
  sendNext();
}

async function ask(check, signal) {
  if (check.link) return detectLink(check.link, signal);
  if (!check.video) return detect(check.file, signal);
  const { detectVideo } = await import("./video/detect.js");
  const tell = (progress) => {
    Object.assign(check, { progress, movedAt: Date.now() });
    changed(check);
  };
  return detectVideo(check, signal, tell);
}

function tooLarge({ video, animation, maxBytes }) {
  if (!video || animation) return "image_too_large";
  return maxBytes ? "video_too_large" : "video_not_available";
}

function waitAndRetry(check, outcome) {
  const wait = Math.min(MAX_WAIT_S, Math.max(1, outcome.seconds)) * 1000;
  Object.assign(check, { state: "busy", failure: { code: busyCode(outcome) }, retryAt: Date.now() + wait });
  check.timer = setTimeout(() => retryNow(check), wait);
  changed(check);
}

function busyCode({ code }) {
  return code === "not_ready" ? code : "busy";
}

async function finish(check, outcome) {
  const analyzed = outcome.kind === "analyzed";
  const { answer, code, message, limit } = outcome;
  check.state = analyzed ? "analyzed" : "failed";
  check.answer = answer;
  check.failure = analyzed ? null : { code, message, limit };
  check.verdict = analyzed ? answer.verdict : code === "no_face" ? "no_face" : "failed";
  check.p_fake = analyzed ? answer.p_fake : null;
  changed(check);
  if (!isResult(check)) return;
  const late = check.file && check.hash === null;
  const kept = await keepable(check);
  if (kept.picture && !check.video) check.look = await differenceHash(kept.picture);
  await check.hashing;
  if (late || check.look) changed(check);
  const { id, time, name, size, hash, verdict, p_fake, failure, decision, note, video } = check;
  await remember({ id, time, name, size, hash, verdict, p_fake, failure, decision, note, video, ...kept });
}

// What the history keeps of an answer and its image: of a video the key frames.
async function keepable({ file, video, answer, state }) {
  if (!video) return { answer, picture: file ? await makeThumbnail(file, THUMBNAIL_SIDE) : null };
  if (state !== "analyzed") return { answer, picture: null };
  const { forHistory, posterOf } = await import("./video/keyFrames.js");
  return { answer: forHistory(answer), picture: await posterOf(answer) };
}

// Failures that say something about the image itself.
const ABOUT_IMAGE = [
  ...["no_face", "face_obscured", "face_too_small", "search_incomplete", "first_frame_only", "unsupported_image", "unreadable_image"],
  ...["unsupported_video", "unreadable_video"],
];

/** Whether it is a result: what the server never saw, or could not look at, is none. */
export function isResult({ state, failure }) {
  return state === "analyzed" || ABOUT_IMAGE.includes(failure?.code);
}

function changed(check) {
  changes.dispatchEvent(new CustomEvent("change", { detail: check }));
}
