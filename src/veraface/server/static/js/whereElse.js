// Searching the web for an image: only on demand, at sites that the person chooses. Nothing is sent from here.
import { element } from "./dom.js";
import { menu } from "./menu.js";

const ENGINES = [
  { name: "Google Lens", page: "https://images.google.com/", byLink: "https://lens.google.com/uploadbyurl?url=" },
  { name: "TinEye", page: "https://tineye.com/", byLink: "https://tineye.com/search?url=" },
  { name: "Yandex", page: "https://yandex.com/images/", byLink: "https://yandex.com/images/search?rpt=imageview&url=" },
  { name: "Bing", page: "https://www.bing.com/visualsearch", byLink: "https://www.bing.com/images/search?view=detailv2&iss=sbi&q=imgurl:" },
];

/** The menu of reverse image searches; for an image from a link, they open with it. */
export function whereElseMenu({ link }) {
  const links = ENGINES.map(({ name, page, byLink }) => {
    const href = link ? byLink + encodeURIComponent(link) : page;
    return element("a", { href, target: "_blank", rel: "noopener noreferrer", translate: "no" }, name, element("span", { "aria-hidden": "true" }, " ↗"));
  });
  const warning = element("p", { class: "hint", "data-text": link ? "whereElse.sendsLink" : "whereElse.leaves" });
  return menu("where-else", "whereElse.label", [warning, ...links]);
}
