// The Trusted Types policy: the only script URL that may be created from text.
import { serverPath } from "./dom.js";

const ALLOWED = [serverPath("/sw.js")];

const policy = globalThis.trustedTypes?.createPolicy("veraface", {
  createScriptURL(address) {
    if (ALLOWED.includes(address)) return address;
    throw new TypeError(`${address} is not a script of this page`);
  },
});

export function scriptUrl(address) {
  return policy ? policy.createScriptURL(address) : address;
}
