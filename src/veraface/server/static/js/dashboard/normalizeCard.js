// Normalizes a model card to the form that the dashboard relies on. A card of a user's own model may lack any part or have
// other types: what does not have the right type counts as missing.

/** Lists are lists, objects are objects and words are words; figures are looked at where they are shown. */
export function normalizeCard(card) {
  const measured = object(card.measured);
  const rows = objects(measured.rows);
  const curves = object(measured.curves);
  const diagrams = object(measured.diagrams);
  const roc = object(diagrams.roc);
  return {
    whole: rows[0],
    measured: {
      ...measured,
      rows,
      by_generator: objects(measured.by_generator),
      by_face_size: objects(measured.by_face_size),
      self_blended: isObject(measured.self_blended) ? measured.self_blended : null,
      attacks: { points: points(object(measured.attacks).points) },
      by_attribute: Object.fromEntries(Object.entries(object(measured.by_attribute)).map(([name, rows]) => [name, objects(rows)])),
      tiers: objects(measured.tiers),
      curves: { ...curves, clean: isObject(curves.clean) ? curves.clean : null, degradations: degradations(curves) },
      weak_spots: Array.isArray(measured.weak_spots) ? words(measured.weak_spots) : null,
      warnings: words(object(measured.trivial).warnings),
    },
    diagrams: {
      roc: { false_alarms: list(roc.false_alarms), recall: list(roc.recall) },
      reliability: objects(diagrams.reliability),
      histograms: objects(diagrams.histograms).filter(({ real, fake }) => Array.isArray(real) && Array.isArray(fake)),
      confusion: confusionOf(object(diagrams.confusion)),
    },
    thresholds: object(measured.thresholds ?? card.thresholds),
    terms: new Map(Object.entries(object(card.data_terms)).filter(([, terms]) => typeof terms === "string")),
    limits: words(card.limits),
  };
}

function points(value) {
  const named = objects(value).filter(({ name }) => typeof name === "string");
  return named.map((point) => ({ ...point, kinds: objects(point.kinds), apcer: isObject(point.apcer) ? point.apcer : null }));
}

function degradations(curves) {
  return objects(curves.degradations).map((kind) => ({ ...kind, steps: objects(kind.steps) }));
}

function confusionOf({ real, fake }) {
  return isObject(real) && isObject(fake) ? { real, fake } : null;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value) {
  return isObject(value) ? value : {};
}

function list(value) {
  return Array.isArray(value) ? value : [];
}

function objects(value) {
  return list(value).filter(isObject);
}

function words(value) {
  return list(value).filter((one) => typeof one === "string" && one !== "");
}
