// Reads an image's bytes from its address. Runs in the worker, out of reach of the page.
import { hostOf, hostPattern, isOnThisMachine } from "./addresses.js";
import { browser } from "./browser.js";
import { Fault } from "./fault.js";

const TIMEOUT_MS = 20_000; // for one image
const MAX_DATA_URL_LENGTH = 64 * 2 ** 20; // characters

/**
 * The image at an http, https or data address, as a Blob.
 *
 * Requested without cookies first; with cookies only if that yields no image and `cookies` permits it. Redirects are
 * never followed with cookies.
 */
export async function readImage(address, { limit, cookies = false }) {
  if (address.length > MAX_DATA_URL_LENGTH) throw new Fault("image_too_large");
  if (address.startsWith("data:")) return readOnce(address, limit, {});
  if (!hostPattern(address)) throw new Fault("image_unavailable", { host: hostOf(address) });
  try {
    return await readOnce(address, limit, { credentials: "omit" });
  } catch (fault) {
    // Never on this machine: a page must not make the extension use the user's local sessions.
    if (!cookies || isOnThisMachine(address) || fault.code !== "image_unavailable") throw fault;
    return readOnce(address, limit, { credentials: "include", redirect: "error" });
  }
}

async function readOnce(address, limit, options) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const host = hostOf(address);
  try {
    const response = await fetch(address, { ...options, signal, referrerPolicy: "no-referrer" });
    const kind = response.headers.get("Content-Type") ?? "";
    // An HTML page instead of an image: a login form or an error.
    if (!response.ok || kind.startsWith("text/html")) throw new Fault("image_unavailable", { host });
    return await collect(response, limit);
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (signal.aborted) throw new Fault("image_timeout", { host });
    throw new Fault((await mayRead(address)) ? "image_unavailable" : "not_permitted", { host });
  }
}

async function collect(response, limit) {
  const declared = Number(response.headers.get("Content-Length") ?? 0);
  if (declared > limit) throw new Fault("image_too_large", { size: declared, most: limit });
  const parts = [];
  let size = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Fault("image_too_large", { most: limit });
    }
    parts.push(value);
  }
}

async function mayRead(address) {
  const pattern = hostPattern(address);
  if (!pattern) return true;
  return browser.permissions.contains({ origins: [pattern] }).catch(() => false);
}
