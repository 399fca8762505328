// The dashboard drawn from model cards: the packaged one, those that lack parts, and those with parts of another form.
import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { load, openDocument, openView, packagedCard, serve, until } from "./page.js";

await openDocument("/dashboard");
const { figure, share } = await load("dashboard/words.js");
const PARTS = ["roc", "reliability", "scores", "confusion", "sources", "attacks", "attributes", "tiers", "curves", "spots"];
const BROKEN = /undefined|NaN|\[object|null/;

let view;
let packaged = null; // the view of the packaged card, which tests share until one opens another
afterEach(() => new Promise(setImmediate)); // plots are drawn meanwhile; an error there fails the test
after(() => view.close());

async function open(card) {
  if (!card && packaged) return packaged;
  view?.close();
  packaged = null;
  serve({ "/api/model": card ?? (await packagedCard()) });
  view = await openView("dashboard");
  await until(() => view.main.querySelector(".dashboard-body").getAttribute("aria-busy") === "false");
  const all = view.main.querySelector("#all > details");
  if (all) {
    all.open = true;
    all.dispatchEvent(new Event("toggle"));
    await until(() => view.main.querySelector("#spots"));
  }
  if (!card) packaged = view.main;
  return view.main;
}

// Each row of a part's first table, cell by cell.
const rowsOf = (main, part) => [...main.querySelector(`#${part} table`).querySelectorAll("tbody tr")].map((row) => textsOf(row, "th, td"));
const count = (number) => number.toLocaleString("en");
const textsOf = (main, selector) => [...main.querySelectorAll(selector)].map((node) => node.textContent);
const press = (node, key) => node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

test("the first figures are those of the card, with their intervals", async () => {
  const card = await packagedCard();
  const main = await open(card);
  const [whole] = card.measured.rows;
  const [low, high] = whole.intervals.reals_called_fake;
  const values = textsOf(main, ".tile .value");
  assert.equal(values.length, 5);
  assert.equal(values[0], whole.auc.toFixed(3));
  assert.equal(values[1], (100 * whole.reals_called_fake).toFixed(1));
  assert.equal(textsOf(main, ".tile .interval")[1], `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)}`);
  assert.equal(main.querySelector(".facts code").textContent, card.measured.command);
  assert.deepEqual(textsOf(main, ".limits li"), card.limits);
});

test("every figure of every table is the card's own", async () => {
  const { measured } = await packagedCard();
  const main = await open();
  const { roc, reliability, histograms, confusion } = measured.diagrams;
  assert.deepEqual(rowsOf(main, "roc").slice(2).map((row) => row.slice(1)), roc.false_alarms.map((x, i) => [share(x), share(roc.recall[i])]));
  const bins = reliability.map((bin) => [String(bin.pictures), share(bin.p_fake), share(bin.share_fake)]);
  assert.deepEqual(rowsOf(main, "reliability").map((row) => row.slice(1)), bins);
  const reals = Array.from({ length: 20 }, (_, i) => histograms.reduce((sum, { real }) => sum + real[i], 0));
  assert.deepEqual(rowsOf(main, "scores").map((row) => row[1]), reals.map(String));
  for (const [i, label] of ["real", "fake"].entries()) {
    const counts = confusion[label];
    const analyzed = counts.real + counts.fake + counts.uncertain;
    for (const [at, verdict] of ["fake", "uncertain", "real"].entries()) {
      assert.ok(rowsOf(main, "confusion")[i][at + 1].startsWith(`${share(counts[verdict] / analyzed)}${count(counts[verdict])}`));
    }
  }
  const bySource = Object.fromEntries([...measured.rows.slice(1).map((row) => [row.source, row]), ["self-blended", measured.self_blended]]);
  const rows = [...main.querySelector("#sources table").querySelectorAll("tbody tr")];
  assert.ok(rows.length > 3);
  for (const row of rows) {
    const own = bySource[row.querySelector("bdi").textContent];
    const shown = ["fakes_called_fake", "fakes_called_real", "fakes_uncertain"].map((key) => share(own[key]));
    assert.deepEqual(textsOf(row, ".number"), [...shown, figure(own.auc)]);
  }
  const byTier = measured.tiers.map(({ auc }) => figure(auc));
  assert.deepEqual(rowsOf(main, "tiers")[0].slice(1).map((cell) => cell.split(" ")[0]), byTier);
  const steps = [measured.curves.clean, ...measured.curves.degradations[0].steps];
  assert.deepEqual(rowsOf(main, "curves").map((row) => row[2]), steps.map((step) => share(step.fakes_called_fake)));
});

test("shares are rounded half up", () => {
  for (const [value, shown] of [[0.0125, "1.3%"], [0.0225, "2.3%"], [0.125, "13%"], [0.505, "51%"]]) assert.equal(share(value), shown);
});

test("arrow keys move the point that is read", async () => {
  const main = await open();
  const slider = main.querySelector("#roc [role=slider]");
  const value = () => slider.getAttribute("aria-valuetext");
  press(slider, "Home");
  assert.equal(value(), "False positive rate 0%, recall 0%");
  press(slider, "ArrowRight");
  assert.equal(slider.getAttribute("aria-valuenow"), "2");
  assert.equal(main.querySelector("#roc .reading").textContent, value());
  press(slider, "PageUp");
  assert.equal(slider.getAttribute("aria-valuenow"), "12");
  press(slider, "End");
  assert.equal(value(), "False positive rate 100%, recall 100%");
  press(slider, "ArrowRight"); // nothing beyond the end
  assert.equal(value(), "False positive rate 100%, recall 100%");
  press(slider, "Escape");
  assert.notEqual(main.querySelector("#roc .reading").textContent, value());
});

test("every point of every plot can be read", async () => {
  const main = await open();
  for (const slider of main.querySelectorAll("[role=slider]")) {
    const points = Number(slider.getAttribute("aria-valuemax"));
    assert.ok(points > 3);
    press(slider, "Home");
    for (let point = 1; point <= points; point += 1) {
      assert.equal(slider.getAttribute("aria-valuenow"), String(point));
      assert.doesNotMatch(slider.getAttribute("aria-valuetext"), BROKEN);
      press(slider, "ArrowRight");
    }
  }
  const { reliability } = (await packagedCard()).measured.diagrams;
  const reading = main.querySelector("#reliability [role=slider]").getAttribute("aria-valuetext");
  assert.ok(reading.includes(`${reliability.at(-1).pictures} images`), reading);
});

test("the packaged thresholds are among the points that can be read", async () => {
  const { thresholds, measured } = await packagedCard();
  const main = await open();
  const [whole] = measured.rows;
  const point = [`fake from ${share(thresholds.fake)}`, share(whole.reals_called_fake), share(whole.fakes_called_fake)];
  assert.deepEqual(rowsOf(main, "roc")[0], point);
});

test("the confusion matrix has counts and names the errors", async () => {
  const { rows: [whole], diagrams: { confusion } } = (await packagedCard()).measured;
  const [real, fake] = rowsOf(await open(), "confusion").map((row) => row.join(""));
  assert.ok(real.includes(`${share(whole.reals_called_fake)}${count(confusion.real.fake)}wrongly called fake`), real);
  assert.ok(fake.includes(`${count(confusion.fake.real)}wrongly called real`), fake);
});

test("results by source have the worst first and are sorted by any column", async () => {
  const main = await open();
  const table = () => main.querySelector("#sources table");
  const names = () => textsOf(table(), "tbody th bdi");
  const shares = textsOf(table(), "tbody tr td:nth-child(3) .number").map(parseFloat);
  assert.deepEqual(shares, shares.toSorted((a, b) => a - b));
  const sort = () => [...table().querySelectorAll("button")].find((button) => button.textContent === "Source");
  sort().click();
  assert.equal(table().querySelector("th[aria-sort=ascending]").textContent, "Source");
  assert.equal(document.activeElement, sort());
  const ascending = names();
  assert.deepEqual(ascending, names().toSorted((a, b) => a.localeCompare(b, "en")));
  sort().click();
  assert.equal(table().querySelector("th[aria-sort=descending]").textContent, "Source");
  assert.deepEqual(names(), ascending.toReversed());
  const choice = main.querySelector('#sources input[value="generator"]');
  choice.checked = true;
  choice.dispatchEvent(new Event("change"));
  const generators = (await packagedCard()).measured.by_generator.filter((row) => row.fake).map((row) => row.generator);
  assert.deepEqual(textsOf(main, "#sources tbody th bdi").sort(), generators.sort());
});

test("each degradation can be chosen", async () => {
  const main = await open();
  for (const { degradation, steps } of (await packagedCard()).measured.curves.degradations) {
    main.querySelector(`#curves input[value="${degradation}"]`).dispatchEvent(new Event("change"));
    assert.equal(main.querySelector("#curves [role=slider]").getAttribute("aria-valuemax"), String(steps.length + 1));
  }
});

test("the scores of one source can be shown", async () => {
  const main = await open();
  const select = main.querySelector("#scores select");
  select.value = "sfhq1";
  select.dispatchEvent(new Event("change"));
  const { fake } = (await packagedCard()).measured.diagrams.histograms.find(({ source }) => source === "sfhq1");
  press(main.querySelector("#scores [role=slider]"), "End");
  assert.ok(main.querySelector("#scores .reading").textContent.includes(`0 real, ${fake.at(-1)} fake`));
});

test("all weak slices are named", async () => {
  const { weak_spots: slices } = (await packagedCard()).measured;
  const shown = textsOf(await open(), "#spots li");
  assert.deepEqual(shown.sort(), slices.map((sentence) => sentence.replace(": ", "")).sort());
});

// Two parts at a time that have nothing to do with each other: each card takes half a second to draw.
const MISSING = [["rows"], ["diagrams", "tiers"], ["by_generator", "curves"], ["weak_spots", "thresholds"], ["attacks", "by_attribute"], ["all but rows"]];
const LACKING = { diagrams: 4, tiers: 1, curves: 1, weak_spots: 1, attacks: 1, by_attribute: 1, "all but rows": 10 };
for (const missing of MISSING) {
  test(`a card may lack any part, and each part shows what it lacks: ${missing}`, async () => {
    const card = await packagedCard();
    if (missing[0] === "all but rows") card.measured = { rows: [{ source: "all", real: 5, fake: 5 }] };
    else for (const part of missing) delete card.measured[part];
    const main = await open(card);
    for (const part of PARTS) assert.ok(main.querySelector(`#${part} h2`), part);
    const lacking = missing.reduce((sum, part) => sum + (LACKING[part] ?? 0), 0);
    assert.equal(main.querySelectorAll(".lacking").length, lacking);
    assert.doesNotMatch(main.textContent, /undefined|NaN/);
  });
}

const RATE = { errors: 6, images: 40, value: 0.15, interval: [0.0571, 0.2984] };
const KINDS = [{ kind: "GAN portrait", ...RATE, value: 0.05, interval: [0.0061, 0.1692] }, { kind: "face swap", ...RATE }, { kind: "puppet", images: 0, value: null }];

test("fakes that are missed are listed by kind of attack, the worst first, at each operating point", async () => {
  const card = await packagedCard();
  const point = { bpcer: { ...RATE, value: 0.01, interval: [0.001, 0.03] }, apcer: KINDS[1], kinds: KINDS };
  card.measured.attacks = { points: [{ name: "fake", ...point }, { name: "BPCER 1%", ...point, apcer: null, kinds: KINDS.slice(0, 1) }] };
  const main = await open(card);
  const part = main.querySelector("#attacks");
  assert.deepEqual(rowsOf(main, "attacks").map((row) => row.slice(0, 2)), [["Swapped faces", "40"], ["Portraits of people who do not exist (GAN)", "40"]]);
  assert.match(rowsOf(main, "attacks")[0][2], /^15%6% to 30%/);
  assert.match(part.textContent, /BPCER\): 1\.0% \(0\.1% to 3\.0%\)/);
  assert.match(part.textContent, /worst kind: Swapped faces, 15%/);
  const [, other] = part.querySelectorAll("input");
  assert.match(other.parentElement.textContent, /all but 1% of the reals/);
  other.dispatchEvent(new Event("change"));
  assert.equal(rowsOf(main, "attacks").length, 1);
  assert.doesNotMatch(part.textContent, /worst kind/);
});

test("error rates by attribute of the people are shown where the card has them", async () => {
  const card = await packagedCard();
  card.measured.by_attribute = { age_group: [{ value: "0-9", fpr: RATE, reals_uncertain: RATE, fnr: { images: 2, value: null } }], hat: [] };
  const main = await open(card);
  assert.deepEqual(rowsOf(main, "attributes")[0].slice(0, 2), ["0-9", "42"]);
  assert.deepEqual(textsOf(main, "#attributes h3"), ["Age group"]);
});

const ODD = {
  attacks: { points: [null, { name: 3 }, { name: "x", kinds: "many", apcer: 1 }, { name: "toString", kinds: [null, { value: 0.1 }] }] },
  by_attribute: { age: "old", sex: [null, {}, { value: {}, fpr: 3 }] },
  rows: "many",
  by_generator: { one: 1 },
  by_face_size: [null, 3, {}],
  self_blended: "yes",
  tiers: [null, { tier: "constructor", auc: "high", how: 7 }],
  weak_spots: [1, null, { a: 2 }, "hair: AUC 0.5", ""],
  trivial: { warnings: "none" },
  thresholds: ["0.2"],
  diagrams: {
    roc: "round",
    reliability: [null, { from: "0", pictures: null }],
    histograms: [null, { real: "abc", fake: 3 }],
    confusion: { real: 3, fake: null },
  },
  curves: { clean: 1, degradations: [null, { degradation: "toString", steps: [null, { auc: {} }] }] },
};
const PAIRS = [["attacks", "rows"], ["by_attribute", "by_generator"], ["by_face_size", "self_blended"], ["tiers", "weak_spots"], ["trivial", "thresholds"]];
assert.deepEqual([...PAIRS.flat(), "diagrams", "curves"].sort(), Object.keys(ODD).sort());
for (const parts of [...PAIRS, ["diagrams"], ["curves"], Object.keys(ODD), "no object"]) {
  test(`a part of another form is left out, and nothing else: ${parts}`, async () => {
    const card = { ...(await packagedCard()), limits: "none", data_terms: { ciplab: 7 }, name: { a: 1 } };
    const odd = Object.fromEntries(Object.entries(ODD).filter(([part]) => parts.includes(part)));
    card.measured = parts === "no object" ? "good" : { ...card.measured, ...odd };
    const main = await open(card);
    for (const name of PARTS) assert.ok(main.querySelector(`#${name} h2`), name);
    assert.doesNotMatch(main.textContent, BROKEN);
    const lacking = parts === "no object" ? 10 : parts.includes("diagrams") ? 4 : 0;
    assert.equal(main.querySelectorAll(".part .lacking").length, 1 + lacking); // the limits
  });
}

test("intervals are left out where the card has none", async () => {
  const card = await packagedCard();
  for (const row of card.measured.rows) row.intervals = {};
  const main = await open(card);
  assert.equal(main.querySelector(".tile .interval").textContent, "no interval");
  // Only the self-blended row keeps its own, of three figures.
  assert.equal(main.querySelector("#sources table").querySelectorAll(".whisker").length, 3);
});

test("a model that was never measured is reported as such", async () => {
  const { measured, limits, data_terms: terms, ...bare } = await packagedCard();
  const main = await open(bare);
  assert.match(main.textContent, /--write-card/);
  assert.equal(main.querySelectorAll("figure").length, 0);
});

test("a server that does not answer can be asked again", async () => {
  const main = await open(new Response("", { status: 503 }));
  assert.match(main.querySelector("[role=alert]").textContent, /Server not reachable/);
  serve({ "/api/model": await packagedCard() });
  main.querySelector("[role=alert] button").click();
  await until(() => main.querySelector(".glance") && main.querySelector("#all") && !main.querySelector(".bone.title"));
  assert.equal(main.querySelectorAll("[role=alert]").length, 0);
});

test("without storage there is nothing to count", async () => {
  const { fill } = await load("dashboard/localStats.js");
  const box = document.createElement("div");
  document.body.append(box);
  await fill(box, { drop() {} });
  assert.ok(box.querySelector(".remark a"));
  box.remove();
});
