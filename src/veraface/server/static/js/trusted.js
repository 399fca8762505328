// The only address that may become a script: with Trusted Types the browser lets no text be one.

const ALLOWED = ["/sw.js"];

const policy = globalThis.trustedTypes?.createPolicy("veraface", {
  createScriptURL(address) {
    if (ALLOWED.includes(address)) return address;
    throw new TypeError(`${address} is no script of this page`);
  },
});

export function scriptUrl(address) {
  return policy ? policy.createScriptURL(address) : address;
}
