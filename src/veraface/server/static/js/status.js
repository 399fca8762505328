// What the server says of itself: the limits, the model, whether it is there at all.
import { fetchStatus } from "./api.js";

const RETRY_MS = 2000; // ms between two questions to a server that is not ready

/** Event "change" whenever what is known of the server changes. */
export const changes = new EventTarget();

let latest = null; // what it said last
let reachable = true;
let timer = 0;

/** { loaded, limits, name, version } or null where it has never answered. */
export function status() {
  return latest;
}

/** Whether it answered when last asked. */
export function isReachable() {
  return reachable;
}

/** Asks now, and again until the model is loaded. */
export async function readStatus() {
  clearTimeout(timer);
  const answer = await fetchStatus();
  reachable = answer !== null;
  latest = answer ?? latest;
  changes.dispatchEvent(new Event("change"));
  if (!answer?.loaded) timer = setTimeout(readStatus, RETRY_MS);
}
