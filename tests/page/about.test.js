// The about view: the model card as it is, whatever its form, and the tabs of the examples.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { openDocument, openView, packagedCard, serve, until } from "./page.js";

await openDocument("/about");
const MARKUP = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>";

let view;
afterEach(() => view.close());

async function open(card) {
  serve({ "/api/model": card ?? (await packagedCard()) });
  view = await openView("about");
  const shown = view.main.querySelector("#model-card");
  await until(() => shown.querySelector("dl").getAttribute("aria-busy") === "false");
  return shown;
}

const textsOf = (root, selector) => [...root.querySelectorAll(selector)].map((node) => node.textContent);

test("the card is that of the model", async () => {
  const card = await packagedCard();
  const shown = await open(card);
  const rate = (100 * card.error_rates.reals_called_fake).toFixed(1);
  assert.equal(shown.querySelector("code").textContent, card.sha256);
  for (const text of [
    `${card.name} ${card.version}`,
    `${card.crop.size} × ${card.crop.size} px`,
    `a square ${card.crop.margin} and ${card.wide_margin} times as wide`,
    `Up to ${Math.round(100 * card.thresholds.real)}%: likely real`,
    `${rate}%`,
    card.license,
  ]) {
    assert.ok(shown.textContent.includes(text), text);
  }
  assert.deepEqual(textsOf(shown, 'ul[lang="en"] li'), card.limits);
  assert.deepEqual(textsOf(shown, "tbody tr"), Object.entries(card.data_terms).map(([source, terms]) => source + terms));
  assert.equal(shown.querySelector("tbody").lang, "en");
});

test("a card written before the key was renamed has its license shown", async () => {
  assert.match((await open({ name: "old", version: "1", licence: "for tests" })).textContent, /for tests/);
});

test("a card that lacks things is shown as it is", async () => {
  const shown = await open({ name: "<b>mine</b>", version: "2" });
  assert.equal(shown.querySelector("dd").textContent, "<b>mine</b> 2");
  assert.equal(shown.querySelector("details").hidden, true);
  assert.match(shown.textContent, /states no limits/);
});

test("markup in a card stays text", async () => {
  const everywhere = (value) => {
    if (Array.isArray(value)) return value.map(everywhere);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, everywhere(inner)]));
    return typeof value === "string" ? MARKUP : value;
  };
  const card = { ...everywhere(await packagedCard()), data_terms: { [MARKUP]: MARKUP } };
  const shown = await open(card);
  assert.equal(shown.querySelector("code").textContent, MARKUP);
  assert.equal(textsOf(shown, "li").filter((words) => words === MARKUP).length, card.limits.length);
  assert.deepEqual(textsOf(shown, "tbody th"), [MARKUP]);
  assert.equal(view.main.querySelectorAll("img, script").length, 0);
});

const OF_OTHER_FORM = [
  {},
  {
    ...{ name: 7, version: null, sha256: { a: 1 }, crop: "large", thresholds: { real: "0.1" }, error_rates: ["none"] },
    ...{ limits: "none", data: [], licence: {}, data_terms: { one: { two: 3 } } },
  },
  { crop: {}, thresholds: 3, error_rates: "x", limits: { length: 2 }, data_terms: "abc" },
];
for (const [index, card] of OF_OTHER_FORM.entries()) {
  test(`a card may have anything in another form: ${index}`, async () => {
    const shown = await open(card);
    assert.match(shown.textContent, /states no limits/);
    assert.doesNotMatch(shown.textContent, /undefined|NaN|\[object|null/);
  });
}

test("a card that cannot be had is reported, and can be asked for again", async () => {
  const shown = await open(new Response("", { status: 503 }));
  assert.match(shown.textContent, /does not answer/);
  assert.equal(shown.querySelector("dl").hidden, true);
  serve({ "/api/model": await packagedCard() });
  shown.querySelector(".lacking button").click();
  await until(() => shown.querySelector("code") && !shown.querySelector(".bone"));
  assert.equal(shown.querySelector("dl").hidden, false);
  assert.equal(document.activeElement, shown);
});

test("keys move through the tabs", async () => {
  await open();
  const tabs = [...view.main.querySelectorAll("[role=tab]")];
  assert.deepEqual(tabs.map((tab) => tab.textContent), ["curl", "Python", "JavaScript", "Python library", "Command"]);
  tabs[0].focus();
  const moves = [["ArrowRight", 1], ["ArrowLeft", 0], ["ArrowLeft", 4], ["ArrowRight", 0], ["End", 4], ["Home", 0]];
  const press = (key) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  for (const [key, index] of moves) {
    press(key);
    assert.equal(document.activeElement, tabs[index]);
    assert.deepEqual(tabs.filter((tab) => tab.getAttribute("aria-selected") === "true"), [tabs[index]]);
    const panels = [...view.main.querySelectorAll("[role=tabpanel]")].filter((panel) => !panel.hidden);
    assert.deepEqual(panels.map((panel) => panel.getAttribute("aria-labelledby")), [tabs[index].id]);
  }
  document.documentElement.dir = "rtl"; // onwards is to the left there
  press("ArrowLeft");
  document.documentElement.dir = "ltr";
  assert.equal(document.activeElement, tabs[1]);
});
