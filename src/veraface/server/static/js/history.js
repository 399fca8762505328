// The history of results in this browser, stored in IndexedDB and never sent.
import { openDB } from "../vendor/idb/idb.js";
import { keep, remembered } from "./storage.js";
import { isVideoResult } from "./validate.js";

const NAME = "veraface";
const VERSION = 1;
const STORE = "entries";
const MAX_ENTRIES = 500; // entries
const OPEN_TIMEOUT_MS = 3000; // for opening the database
const KEY = "veraface-history";
const MAX_TIME = 8.64e15 - 86_400_000; // ms, a day below the largest valid Date: the midnight before is valid too
const CELL_STEPS = 10_000; // a heatmap's cell is kept as a whole number of these

/** Event "change" whenever an entry or the choice changed, in this tab or another. */
export const changes = new EventTarget();

let chosen = null; // the choice where the browser keeps none
let opening = null; // promise of the database
let available = hasStorage();
let full = false;

const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(KEY) : null;
channel?.addEventListener("message", notify);
addEventListener("storage", ({ key }) => (key === KEY || key === null) && notify());

/** Return whether results are stored; they are unless the user switched that off. */
export function isOn() {
  return (remembered(KEY) ?? chosen) !== "off";
}

/** What was kept before stays until it is deleted. */
export function setOn(wanted) {
  chosen = wanted ? "on" : "off";
  keep(KEY, chosen);
  notify();
}

/** Whether this browser lets the page keep anything; certain once list() has come back. */
export function isAvailable() {
  return available;
}

/** Whether the latest result could not be kept for want of room. */
export function isFull() {
  return full;
}

/**
 * Keeps { id, time, name, size, hash, verdict, p_fake, answer, failure, picture, video }, unless that is switched off; the
 * oldest beyond 500 go. Never throws; returns whether it was stored.
 */
export async function remember(entry) {
  if (!isOn()) return false;
  const kept = await put(pack(entry));
  changed();
  return kept;
}

/** All entries, newest first. */
export async function list() {
  const packed = (await attempt(readAll)) ?? [];
  return packed.filter(({ id }) => typeof id === "string").map(unpack).sort((one, other) => other.time - one.time);
}

/** The entry, or undefined. */
export async function recall(id) {
  const packed = await attempt((database) => database.get(STORE, id));
  return packed && unpack(packed);
}

/** Adds a person's { decision } or { note } to an entry, if it is still there. */
export async function annotate(id, fields) {
  await attempt((database) =>
    change(database, async (store) => {
      const kept = await store.get(id);
      if (kept) await store.put({ ...kept, ...fields });
    }),
  );
  changed();
}

/** Puts entries back that were forgotten a moment ago, whether or not new ones are kept. */
export async function restore(entries) {
  for (const entry of entries) await put(pack(entry));
  changed();
}

export async function forget(ids) {
  const gone = (store) => Promise.all(Array.from(ids, (id) => store.delete(id)));
  await attempt((database) => change(database, gone));
  full = false;
  changed();
}

export async function forgetAll() {
  await attempt((database) => database.clear(STORE));
  full = false;
  changed();
}

// One entry that the browser has lost, as after a crash, fails the reading of them all: then each by itself.
async function readAll(database) {
  try {
    return await database.getAll(STORE);
  } catch {
    const keys = await database.getAllKeys(STORE);
    const read = await Promise.allSettled(keys.map((key) => database.get(STORE, key)));
    return read.map(({ value }) => value).filter(Boolean);
  }
}

async function put(packed) {
  const write = (entry) => withDatabase((database) => putAndTrim(database, entry));
  full = false;
  try {
    await write(packed);
    return true;
  } catch (error) {
    if (!available) return false;
    full = error?.name === "QuotaExceededError";
  }
  try {
    if (full) await withDatabase(dropOlderHalf);
    await write(full ? packed : { ...packed, picture: null }); // some browsers keep no Blob
    full = false;
    return true;
  } catch {
    return false;
  }
}

function putAndTrim(database, packed) {
  return change(database, async (store) => {
    await store.put(packed);
    const excess = (await store.count()) - MAX_ENTRIES;
    if (excess > 0) await dropOldest(store, excess);
  });
}

function dropOlderHalf(database) {
  return change(database, async (store) => dropOldest(store, Math.ceil((await store.count()) / 2)));
}

// Fails with the reason of the transaction, where there is one: its requests only say that it was aborted.
async function change(database, work) {
  const transaction = database.transaction(STORE, "readwrite");
  const [worked, done] = await Promise.allSettled([work(transaction.store), transaction.done]);
  for (const { status, reason } of [done, worked]) if (status === "rejected") throw reason;
}

// What has no time is not in the index, and oldest of all.
async function dropOldest(store, count) {
  const timed = await store.index("time").getAllKeys();
  const known = new Set(timed);
  const untimed = (await store.getAllKeys()).filter((key) => !known.has(key));
  await Promise.all([...untimed, ...timed].slice(0, count).map((key) => store.delete(key)));
}

// The result of `use(database)`; undefined where the browser does not let it.
async function attempt(use) {
  try {
    return await withDatabase(use);
  } catch {
    return undefined;
  }
}

async function withDatabase(use) {
  const database = await open();
  try {
    return await use(database);
  } catch (error) {
    // The browser closed it, for an upgrade in another tab or for reasons of its own: once more with a new one.
    if (error?.name !== "InvalidStateError") throw error;
    opening = null;
    return use(await open());
  }
}

// Some browsers throw already where it is only looked at.
function hasStorage() {
  try {
    return Boolean(globalThis.indexedDB);
  } catch {
    return false;
  }
}

async function open() {
  try {
    opening ??= inTime(openDB(NAME, VERSION, { upgrade, blocking: closeForOthers, terminated: () => (opening = null) }));
    const database = await opening;
    if (!database.objectStoreNames.contains(STORE)) throw new DOMException("Of somebody else", "VersionError");
    available = true;
    return database;
  } catch (error) {
    opening = null;
    available = false;
    throw error;
  }
}

// Migrations from each earlier version.
function upgrade(database, from) {
  if (from < 1) database.createObjectStore(STORE, { keyPath: "id" }).createIndex("time", "time");
}

// Another tab wants to upgrade or delete the database.
function closeForOthers(_from, _to, event) {
  opening = null;
  event.target.close();
}

function inTime(promise) {
  const late = new Promise((_, reject) => setTimeout(reject, OPEN_TIMEOUT_MS, new DOMException("Not opened in time", "TimeoutError")));
  return Promise.race([promise, late]);
}

function changed() {
  channel?.postMessage("change");
  notify();
}

function notify() {
  changes.dispatchEvent(new Event("change"));
}

// Only what is known is kept, the grids of the heatmaps in a fifth of the room.
function pack({ id, time, name, size, hash, verdict, p_fake, answer, failure, picture, decision = null, note = "", video = false }) {
  const faces = answer?.faces?.map((face) => (face.heatmap?.grid ? { ...face, heatmap: packHeatmap(face.heatmap) } : face));
  return { id, time, name, size, hash, verdict, p_fake, answer: faces ? { ...answer, faces } : answer, failure, picture, decision, note, video };
}

function packHeatmap({ grid, ...rest }) {
  const cells = Uint16Array.from(grid.flat(), (value) => Math.round(value * CELL_STEPS));
  return { ...rest, packed: { cells, columns: grid[0]?.length ?? 0 } };
}

// Entries of an older page may lack fields, or hold something else in them.
function unpack(kept) {
  const isVideo = kept.video === true && isVideoResult(kept.answer);
  return {
    id: kept.id,
    time: Math.abs(number(kept.time) ?? Infinity) <= MAX_TIME ? kept.time : 0, // 0: unknown
    name: string(kept.name) ?? "",
    size: number(kept.size),
    hash: string(kept.hash),
    verdict: ["fake", "real", "uncertain", "no_face"].includes(kept.verdict) ? kept.verdict : "failed",
    p_fake: number(kept.p_fake),
    answer: isVideo ? kept.answer : unpackAnswer(object(kept.answer) ?? {}),
    failure: unpackFailure(object(kept.failure)),
    picture: kept.picture instanceof Blob ? kept.picture : null,
    decision: ["fake", "real", "uncertain"].includes(kept.decision) ? kept.decision : null,
    note: string(kept.note) ?? "",
    video: isVideo || (kept.video === true && Boolean(kept.failure)),
  };
}

function unpackAnswer(answer) {
  const faces = Array.isArray(answer.faces) ? answer.faces.filter(object) : [];
  return { ...answer, faces: faces.map((face) => (face.heatmap?.packed ? { ...face, heatmap: unpackHeatmap(face.heatmap) } : face)) };
}

// A code is looked up by its name, where "constructor" would be found as well.
function unpackFailure(failure) {
  const code = string(failure?.code);
  return failure && { ...failure, code: code && !(code in {}) ? code : "other" };
}

function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function string(value) {
  return typeof value === "string" ? value : null;
}

function object(value) {
  return value && typeof value === "object" ? value : null;
}

function unpackHeatmap({ packed: { cells, columns }, ...rest }) {
  const rows = columns ? cells.length / columns : 0;
  const value = (row, column) => cells[row * columns + column] / CELL_STEPS;
  const across = Array.from({ length: columns }, (_, column) => column);
  return { ...rest, grid: Array.from({ length: rows }, (_, row) => across.map((column) => value(row, column))) };
}
