// The model card: identity, thresholds, error rates and training data. Its own texts are English.
import { NONE, isNumber, share } from "../dashboard/words.js";
import { element } from "../dom.js";
import { percent } from "../format.js";
import { isolated, list as listed, number, text } from "../language.js";

/** { node, render(card) }: `card` is undefined as long as it is on its way, and null where it cannot be had. */
export function modelCard(retry) {
  const rows = [
    row({ "data-text": "about.card.model" }, ({ name, version }) => english([name, version].filter(isWord).join(" "))),
    row({ "data-text": "about.card.fingerprint" }, ({ sha256 }) => english(sha256, "code")),
    row({ "data-text": "about.card.crop" }, ({ crop, wide_margin: wide }) => formatted(crop, (own) => formatCrop(own, wide))),
    row({ "data-text": "about.card.thresholds" }, ({ thresholds }) => formatted(thresholds, formatThresholds)),
    row({ "data-text": "about.card.rates" }, ({ error_rates: rates }) => formatted(rates, formatRates)),
    row({ "data-text": "about.card.data" }, ({ data }) => english(data)),
    row({ "data-text": "about.card.licence" }, ({ license, licence }) => english(license ?? licence)), // the second in older cards
    row({ "data-text": "about.card.limits" }, ({ limits }) => list(limits)),
    row({ "data-text": "about.card.made" }, ({ made }) => english(made)),
  ];
  const terms = element("tbody", { lang: "en", dir: "ltr" });
  const details = element(
    "details",
    {},
    element("summary", { "data-text": "about.card.terms" }),
    element("p", { "data-text": "about.card.termsDetail" }),
    element(
      "table",
      {},
      element(
        "thead",
        {},
        element("tr", {}, element("th", { scope: "col", "data-text": "about.card.source" }), element("th", { scope: "col", "data-text": "about.card.images" })),
      ),
      terms,
    ),
  );
  const facts = element("dl", { class: "facts" }, rows.map(({ node }) => node));
  const again = element("button", { type: "button", class: "quiet", "data-text": "again", onclick: retry });
  const lacking = element("div", { class: "lacking", role: "status" }, element("p", { "data-text": "about.card.unreachable" }), again);

  return {
    node: element("div", { class: "model-card" }, facts, details, lacking),
    render(card) {
      const collections = termsOf(card);
      facts.hidden = card === null;
      lacking.hidden = card !== null;
      facts.setAttribute("aria-busy", String(card === undefined));
      details.hidden = card !== undefined && !collections.length;
      for (const { value, fill } of rows) value.replaceChildren(card ? fill(card) : bone());
      terms.replaceChildren(
        ...collections.map(([source, words]) =>
          element("tr", {}, element("th", { scope: "row" }, source), element("td", {}, words)),
        ),
      );
    },
  };
}

function row(name, fill) {
  const value = element("dd");
  return { node: element("div", {}, element("dt", name), value), value, fill };
}

// A card of a user's own model may lack any part, or have it in another form.
function formatted(part, format) {
  return part && typeof part === "object" ? format(part) : NONE;
}

function isWord(words) {
  return typeof words === "string" && words !== "";
}

function termsOf(card) {
  const terms = card?.data_terms;
  if (!terms || typeof terms !== "object") return [];
  return Object.entries(terms).filter(([, words]) => isWord(words));
}

function formatCrop({ size, margin }, wide) {
  if (!isNumber(size) || !isNumber(margin)) return NONE;
  const margins = listed([margin, wide].filter(isNumber).map(number));
  return text("about.card.cropDetail", { size: isolated(`${number(size)} × ${number(size)} px`), margin: margins });
}

function formatThresholds({ real, fake }) {
  if (!isNumber(real) || !isNumber(fake)) return NONE;
  return text("result.bandText", { real: percent(real), fake: percent(fake) });
}

function formatRates(rates) {
  const lines = [
    text("about.card.alarms", { share: share(rates.reals_called_fake), allowed: share(rates.allowed_reals_called_fake) }),
    text("about.card.misses", { share: share(rates.fakes_called_real), allowed: share(rates.allowed_fakes_called_real) }),
    text("about.card.open", { reals: share(rates.reals_uncertain), fakes: share(rates.fakes_uncertain) }),
  ];
  return element("ul", {}, lines.map((line) => element("li", {}, line)));
}

function list(limits) {
  const known = Array.isArray(limits) ? limits.filter(isWord) : [];
  if (!known.length) return text("dashboard.summary.noLimits");
  return element("ul", { lang: "en", dir: "ltr" }, known.map((limit) => element("li", {}, limit)));
}

function english(words, tag = "span") {
  return element(tag, { lang: "en", dir: "ltr" }, isWord(words) ? words : NONE);
}

function bone() {
  return element("span", { class: "bone", "aria-hidden": "true" });
}
