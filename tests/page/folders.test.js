// Folders that are dropped: which of their files are taken, and that others are not left out in silence.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load, openDocument } from "./page.js";

await openDocument();
const { imagesOf } = await load("folders.js");
const { addFiles } = await load("addFiles.js");

const file = (name) => ({ isDirectory: false, name, file: (done) => done({ name }) });
const folder = (name, ...entries) => {
  const portions = [entries, []];
  return { isDirectory: true, name, createReader: () => ({ readEntries: (done) => done(portions.shift()) }) };
};
const dropped = (...entries) => imagesOf({ items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) });

test("images of a folder are taken by the names that cameras and browsers give", async () => {
  const names = ["DSC1.HIF", "a.heics", "b.avifs", "c.MPO", "d.pjpeg", "e.jpe", "f.dib", "g.apng", "h.jpeg", "i.tif"];
  const { images, leftOut } = await dropped(folder("camera", ...names.map(file)));
  assert.deepEqual(images.map(({ name }) => name).sort(), [...names].sort());
  assert.equal(leftOut, 0);
});

test("what is left out of a folder is counted, hidden files are not", async () => {
  const inner = folder("inner", file("b.png"), file("clip.mp4"), file(".DS_Store"));
  const { images, leftOut } = await dropped(folder("outer", file("a.jpg"), file("raw.CR3"), inner), file("named"));
  assert.deepEqual(images.map(({ name }) => name), ["a.jpg", "b.png", "named"]);
  assert.equal(leftOut, 2);
});

test("the page says that files were left out", async () => {
  const image = () => new File(["x"], "a.jpg", { type: "image/jpeg" });
  const notice = document.getElementById("notice");
  await addFiles([image(), image()], { leftOut: true });
  assert.match(notice.textContent, /left out of the folder/);
  await addFiles([image(), image()]);
  assert.equal(notice.hidden, true);
});
