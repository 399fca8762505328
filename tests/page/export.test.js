// Exported results: rows and names that no spreadsheet takes for formulas.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./page.js";

const { entriesAsCsv, entriesAsJson } = await load("export.js");

const ENTRY = { time: 1_700_000_000_000, name: "a.jpg", hash: null, verdict: "real", p_fake: 0.04, answer: null, failure: null };

// RFC 4180.
function parse(csv) {
  const rows = [[""]];
  for (const [, quoted, plain, end] of csv.matchAll(/"((?:[^"]|"")*)"|([^",\r\n]+)|(,|\r\n)/g)) {
    const row = rows.at(-1);
    if (end === ",") row.push("");
    else if (end) rows.push([""]);
    else row[row.length - 1] += quoted?.replaceAll('""', '"') ?? plain;
  }
  return rows.slice(0, -1);
}

test("no name becomes a formula or breaks a row", async () => {
  const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", "＋1"];
  const plain = ['say "hi", again', "two\r\nlines", "a;=1", "日本.jpg", "1-2.jpg"];
  const entries = [...formulas, ...plain].map((name) => ({ ...ENTRY, name }));
  const bytes = await entriesAsCsv(entries).arrayBuffer();
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  assert.ok(text.startsWith("\ufeff"), "spreadsheets need the mark to read UTF-8");
  assert.ok(text.endsWith("\r\n"));
  assert.ok(text.includes('"a;=1"'), "in quotes, or a spreadsheet that splits at semicolons sees a formula");
  const [head, ...rows] = parse(text.slice(1));
  assert.deepEqual(rows.map((row) => row[head.indexOf("name")]), [...formulas.map((name) => `'${name}`), ...plain]);
  const json = JSON.parse(await entriesAsJson(entries).text());
  assert.deepEqual(json.map(({ name }) => name), [...formulas, ...plain]);
});

test("the faces of a video count as those of an image, without their frames", async () => {
  const track = { verdict: "fake", p_fake: 0.9, best: 0, reasons: [{ code: "small_face" }], frames: [{ time: 0 }] };
  const answer = { tracks: [track, track], reasons: [{ code: "faces_left_out" }] };
  const [head, row] = parse((await entriesAsCsv([{ ...ENTRY, answer }]).text()).replace("\ufeff", ""));
  assert.equal(row[head.indexOf("faces")], "2");
  assert.equal(row[head.indexOf("reasons")], "faces_left_out small_face");
  const [{ faces }] = JSON.parse(await entriesAsJson([{ ...ENTRY, answer }]).text());
  assert.equal(faces[1].verdict, "fake");
  assert.equal(faces[1].frames, undefined);
});
