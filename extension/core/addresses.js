// Addresses of servers and pictures. All of these may come from a page, so nothing here believes them.

const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;
// Some browsers let a URL have hosts with blanks and stars in them.
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)$/;
// Characters that are not seen, or that turn round the order of what is.
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;
const LONGEST_NAME = 80;

/** What a person typed as a server's address, in one shape: "http://host:port/path". Null where it is none. */
export function serverAddress(typed) {
  const trimmed = typed.trim();
  const url = parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed) ? trimmed : `http://${trimmed}`);
  if (!isWeb(url) || url.username || url.password || url.search || url.hash) return null;
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** What the browser is asked for in order to read from this address: the host, as it knows no ports there. */
export function hostPattern(address) {
  const url = parse(address);
  return isWeb(url) ? `${url.protocol}//${url.hostname}/*` : null;
}

export function isOnThisMachine(address) {
  return LOOPBACK.test(parse(address)?.hostname ?? "");
}

/** Whether what is sent there can be read on the way. */
export function isUnprotected(address) {
  return parse(address)?.protocol === "http:" && !isOnThisMachine(address);
}

export function isSameOrigin(one, other) {
  const origin = parse(one)?.origin;
  return origin !== undefined && origin !== "null" && origin === parse(other)?.origin;
}

/** "host:port", for people. */
export function hostOf(address) {
  return parse(address)?.host ?? "";
}

/** A short name for the picture at an address: the last part of its path, else the host; "" where there is neither. */
export function pictureName(address) {
  const url = parse(address);
  if (!isWeb(url)) return "";
  const last = url.pathname.split("/").filter(Boolean).pop() ?? "";
  return plainName(decoded(last)) || url.host;
}

/** A name as it may be shown and kept. */
export function plainName(name) {
  return Array.from(String(name).replace(UNSEEN, "").trim()).slice(0, LONGEST_NAME).join("");
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function isWeb(url) {
  return /^https?:$/.test(url?.protocol ?? "") && HOST.test(url.hostname);
}

function parse(address) {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
