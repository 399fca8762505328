// Checks in private windows: their full result opens in no other window, and nothing of them outlasts the windows.
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { load, serve, session, useLanguage } from "./harness.js";

const { forgetPrivateChecks, openFullInWindow } = await load("core/pageCheck.js");
await useLanguage("en");

let windows, tabs, opened;
globalThis.chrome.windows = {
  get: async (id) => windows.find((window) => window.id === id) ?? Promise.reject(new Error("No window")),
  getAll: async () => windows,
};
globalThis.chrome.tabs = {
  get: async (id) => tabs.find((tab) => tab.id === id) ?? Promise.reject(new Error("No tab")),
  create: async (tab) => (opened.push(tab), { id: 99 }),
};

beforeEach(() => {
  windows = [{ id: 1, incognito: false }, { id: 2, incognito: true }];
  tabs = [{ id: 10, windowId: 1 }, { id: 20, windowId: 2 }];
  opened = [];
  const job = { address: "https://page.test/a.jpg", frameId: 0, sha256: "a" };
  session.jobs = [{ ...job, id: "open", tabId: 10, windowId: 1, incognito: false }, { ...job, id: "private", tabId: 20, windowId: 2, incognito: true }];
  session.shown = [{ id: "open", name: "a.jpg" }, { id: "private", name: "a.jpg" }];
  session.images = [{ sha256: "a", data: "data:image/png;base64,AA==" }];
  serve(Response.json({ loaded: true, name: "m", version: "1" }));
});

async function open(id) {
  const view = await openFullInWindow(id); // the tab never loads here, which is another failure
  return [view?.fault ?? null, opened.map(({ windowId }) => windowId)];
}

test("the full result opens in the window of the check, also once its tab is closed", async () => {
  assert.deepEqual(await open("private"), ["other", [2]]);
  tabs = [];
  opened = [];
  assert.deepEqual(await open("private"), ["other", [2]]);
  opened = [];
  windows = [{ id: 3, incognito: false }];
  assert.deepEqual(await open("open"), ["other", [undefined]]);
});

test("the full result of a private check opens in no other window", async () => {
  tabs = [];
  windows = [{ id: 1, incognito: false }, { id: 3, incognito: true }];
  assert.deepEqual(await open("private"), ["gone", []]);
  tabs = [{ id: 20, windowId: 1 }]; // a number that was given again
  assert.deepEqual(await open("private"), ["gone", []]);
});

test("private checks are forgotten with the last private window", async () => {
  await forgetPrivateChecks();
  assert.equal(session.jobs.length, 2);
  windows = windows.filter(({ incognito }) => !incognito);
  await forgetPrivateChecks();
  const left = [session.jobs, session.shown].map((all) => all.map(({ id }) => id));
  assert.deepEqual(left, [["open"], ["open"]]);
  assert.deepEqual(await open("private"), ["gone", []]);
});
