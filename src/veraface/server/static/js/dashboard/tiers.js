// Metrics by robustness tier: clean, web and hard.
import { element } from "../dom.js";
import { text } from "../language.js";
import { lacking, part, table } from "./parts.js";
import { figure, nameIn, ownWords, share, withRange } from "./words.js";

const TIERS = {
  clean: () => text("dashboard.tiers.clean"),
  web: () => text("dashboard.tiers.web"),
  hard: () => text("dashboard.tiers.hard"),
};

export function tiersPart({ measured }) {
  const heading = text("dashboard.tiers.heading");
  const { tiers } = measured;
  if (!tiers.length) return part("tiers", heading, lacking(text("dashboard.tiers.lacking")));
  const of = (key, format) => (tier) => withRange(tier[key], tier.intervals?.[key], format);
  const rows = [
    [text("dashboard.auc"), of("auc", figure)],
    [text("dashboard.tiers.lost"), (tier) => withRange(tier.auc_lost?.value, tier.auc_lost?.interval, figure)],
    [text("dashboard.realsCalledFake"), of("reals_called_fake", share)],
    [text("dashboard.fakesCalledFake"), of("fakes_called_fake", share)],
    [text("dashboard.fakesCalledReal"), of("fakes_called_real", share)],
    [text("dashboard.tiers.realsOpen"), of("reals_uncertain", share)],
    [text("dashboard.tiers.fakesOpen"), of("fakes_uncertain", share)],
    [text("dashboard.tiers.flipped"), (tier) => withRange(tier.changes?.flipped, tier.changes?.intervals?.flipped, share)],
    [text("dashboard.tiers.changed"), (tier) => withRange(tier.changes?.changed, tier.changes?.intervals?.changed, share)],
  ];
  const columns = [
    text("dashboard.tiers.what"),
    ...tiers.map((tier) => ({
      name: nameIn(TIERS, tier.tier),
      note: tier.how ? element("span", { lang: "en", dir: "ltr" }, ownWords(tier.how)) : null,
    })),
  ];
  const cells = rows.map(([name, format]) => [name, ...tiers.map(format)]);
  return part(
    "tiers",
    heading,
    element("p", { class: "caption" }, text("dashboard.tiers.caption")),
    element("div", { class: "tiers" }, table(heading, columns, cells)),
  );
}
