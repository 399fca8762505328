import assert from "node:assert/strict";
import test from "node:test";
import { load } from "./harness.js";

const addresses = await load("core/addresses.js");

test("a server address is normalized", () => {
  const normalized = {
    " 127.0.0.1:7860/ ": "http://127.0.0.1:7860",
    "HTTPS://Veraface.Example.org//": "https://veraface.example.org",
    "http://veraface.test/behind/a/proxy/": "http://veraface.test/behind/a/proxy",
    "[::1]:7860": "http://[::1]:7860",
  };
  for (const [typed, address] of Object.entries(normalized)) assert.equal(addresses.serverAddress(typed), address, typed);
});

test("an invalid server address is refused", () => {
  const invalid = [
    ...["", "   ", "not an address", "ftp://127.0.0.1", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x"],
    ...["http://", "http://user:secret@127.0.0.1:7860", "http://127.0.0.1:99999", "http://127.0.0.1:7860/?x=1"],
    ...["http://127.0.0.1:7860/#x", "chrome-extension://abc/"],
  ];
  for (const typed of invalid) assert.equal(addresses.serverAddress(typed), null, typed);
});

test("only web addresses have a match pattern", () => {
  assert.equal(addresses.hostPattern("https://a.test:8443/x?y"), "https://a.test/*");
  for (const other of ["javascript:alert(1)", "file:///etc/passwd", "chrome://version", "about:", "//", "data:,x", "blob:http://a/b"]) {
    assert.equal(addresses.hostPattern(other), null, other);
  }
});

test("hosts on this machine are recognized", () => {
  for (const host of ["localhost", "a.localhost", "127.0.0.1", "127.1.2.3", "[::1]"]) {
    assert.ok(addresses.isOnThisMachine(`http://${host}:1/`), host);
  }
  for (const host of ["localhost.example.org", "127.example.org", "10.0.0.1", "[::2]"]) {
    assert.ok(!addresses.isOnThisMachine(`http://${host}/`), host);
  }
  assert.ok(addresses.isUnprotected("http://a.test/"));
  assert.ok(!addresses.isUnprotected("https://a.test/"));
  assert.ok(!addresses.isUnprotected("http://127.0.0.1/"));
});

test("opaque origins equal nothing, not even each other", () => {
  assert.ok(addresses.isSameOrigin("https://a.test/x", "https://a.test/y"));
  assert.ok(!addresses.isSameOrigin("https://a.test/x", "http://a.test/x"));
  assert.ok(!addresses.isSameOrigin("data:,x", "data:,x"));
  assert.ok(!addresses.isSameOrigin("no address", "no address"));
});

test("an image is named after the last part of its path, else its host", () => {
  assert.equal(addresses.imageName("https://a.test/b/c%20d.jpg?e"), "c d.jpg");
  assert.equal(addresses.imageName("https://a.test/"), "a.test");
  assert.equal(addresses.imageName("https://a.test/%E0%A4%A"), "%E0%A4%A");
  assert.equal(addresses.imageName("data:image/png,x"), "");
  assert.equal(addresses.imageName("https://a.test/%3Cimg%20src=x%3E%E2%80%AEgpj.jpg"), "<img src=x>gpj.jpg");
});

test("a name has no invisible characters and at most 80 others", () => {
  assert.equal(addresses.plainName(" a\u202eb\u0000c\u200f\u2066d "), "abcd");
  assert.equal(Array.from(addresses.plainName("😀".repeat(100))).length, 80);
});
