// How good it is on faces of each size. A result leads to the row of its own size.
import { element } from "../dom.js";
import { sizeAnchor, sizeName } from "../faceSize.js";
import { text } from "../language.js";
import { part, table } from "./parts.js";
import { count, isNumber, share } from "./words.js";

export function sizesPart({ measured }) {
  const rows = measured.by_face_size.filter((row) => typeof row.face_size === "string" && isNumber(row.real) && isNumber(row.fake));
  if (!rows.length) return null;
  const heading = text("dashboard.sizes.heading");
  const columns = [
    text("dashboard.sources.size"),
    text("dashboard.sizes.wrongReal"),
    text("dashboard.sizes.found"),
    text("dashboard.sizes.missed"),
    text("dashboard.images"),
  ];
  const cells = rows.map((row) => [
    sizeName(row.face_size),
    share(row.reals_called_fake),
    share(row.fakes_called_fake),
    share(row.fakes_called_real),
    count(row.real + row.fake),
  ]);
  const box = table(heading, columns, cells);
  box.querySelectorAll("tbody tr").forEach((line, i) => (line.id = sizeAnchor(rows[i].face_size)));
  return part("sizes", heading, element("p", { class: "caption" }, text("dashboard.sizes.caption")), box);
}
