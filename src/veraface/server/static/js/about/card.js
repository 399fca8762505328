// The card of the model that judges: what it is, what it promises, what it was made from. Its own words are English.
import { NONE, isNumber, share } from "../dashboard/words.js";
import { element } from "../dom.js";
import { percent } from "../format.js";
import { isolated, number, text } from "../language.js";

/** { node, say(card) }: `card` is undefined as long as it is on its way, and null where it cannot be had. */
export function modelCard(retry) {
  const rows = [
    row({ "data-text": "about.card.model" }, ({ name, version }) => english(`${name} ${version ?? ""}`)),
    row({ "data-text": "about.card.fingerprint" }, ({ sha256 }) => english(sha256 ?? NONE, "code")),
    row({ "data-text": "about.card.crop" }, ({ crop }) => said(crop, sayCrop)),
    row({ "data-text": "about.card.thresholds" }, ({ thresholds }) => said(thresholds, sayThresholds)),
    row({ "data-text": "about.card.rates" }, ({ error_rates: rates }) => said(rates, sayRates)),
    row({ "data-text": "about.card.data" }, ({ data }) => english(data ?? NONE)),
    row({ "data-text": "about.card.licence" }, ({ licence }) => english(licence ?? NONE)),
    row({ "data-text": "about.card.limits" }, ({ limits }) => list(limits ?? [])),
    row({ "data-text": "about.card.made" }, ({ made }) => english(made ?? NONE)),
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
        element("tr", {}, element("th", { scope: "col", "data-text": "about.card.source" }), element("th", { scope: "col", "data-text": "about.card.pictures" })),
      ),
      terms,
    ),
  );
  const facts = element("dl", { class: "facts" }, rows.map(({ node }) => node));
  const again = element("button", { type: "button", class: "quiet", "data-text": "again", onclick: retry });
  const lacking = element("div", { class: "lacking", role: "status" }, element("p", { "data-text": "about.card.unreachable" }), again);

  return {
    node: element("div", { class: "model-card" }, facts, details, lacking),
    say(card) {
      facts.hidden = card === null;
      lacking.hidden = card !== null;
      facts.setAttribute("aria-busy", String(card === undefined));
      details.hidden = card !== undefined && !Object.keys(card?.data_terms ?? {}).length;
      for (const { value, fill } of rows) value.replaceChildren(card ? fill(card) : bone());
      terms.replaceChildren(
        ...Object.entries(card?.data_terms ?? {}).map(([source, words]) =>
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

// A card of somebody's own model may lack anything.
function said(part, say) {
  return part ? say(part) : NONE;
}

function sayCrop({ size, margin }) {
  return text("about.card.cropDetail", { size: isolated(`${number(size)} × ${number(size)}`), margin: number(margin) });
}

function sayThresholds({ real, fake }) {
  if (!isNumber(real) || !isNumber(fake)) return NONE;
  return text("result.bandText", { real: percent(real), fake: percent(fake) });
}

function sayRates(rates) {
  const lines = [
    text("about.card.alarms", { share: share(rates.reals_called_fake), allowed: share(rates.allowed_reals_called_fake) }),
    text("about.card.misses", { share: share(rates.fakes_called_real), allowed: share(rates.allowed_fakes_called_real) }),
    text("about.card.open", { reals: share(rates.reals_uncertain), fakes: share(rates.fakes_uncertain) }),
  ];
  return element("ul", {}, lines.map((line) => element("li", {}, line)));
}

function list(limits) {
  if (!limits.length) return text("dashboard.summary.noLimits");
  return element("ul", { lang: "en", dir: "ltr" }, limits.map((limit) => element("li", {}, limit)));
}

function english(words, tag = "span") {
  return element(tag, { lang: "en", dir: "ltr" }, words);
}

function bone() {
  return element("span", { class: "bone", "aria-hidden": "true" });
}
