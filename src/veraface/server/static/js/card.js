// One image of the queue as a card: thumbnail, state and a link to its result.
import { answerOf } from "./answer.js";
import { element, icon, serverPath } from "./dom.js";
import { canBeSent, faultIcon, knownCode } from "./fault.js";
import { nameOf } from "./format.js";
import { text } from "./language.js";
import { analyse, cancel, remove } from "./queue.js";

/** Build an empty card for a check; updateCard() fills it. */
export function cardOf(check) {
  const image = check.url
    ? element("img", { src: check.url, alt: "", loading: "lazy", decoding: "async" })
    : element("span", { class: "no-image" }, icon("link"));
  if (check.url) image.addEventListener("error", () => image.replaceWith(element("span", { class: "no-image" }, icon("file"))));
  const link = element("a", { class: "card-link", href: serverPath(`/result/${check.id}`) });
  const close = element("button", { type: "button", class: "icon-button card-close" }, icon("close"));
  close.addEventListener("click", () => {
    // While it is under way, the first press stops it; the next takes it off the list.
    if (["queued", "analyzing", "busy"].includes(check.state)) cancel([check]);
    else remove([check]);
  });
  const again = element("button", { type: "button", class: "quiet card-again" });
  again.addEventListener("click", () => analyse([check]));
  return element(
    "li",
    { class: "card", "data-id": check.id },
    element("div", { class: "card-image" }, image),
    element("div", { class: "card-words" }, link, element("p", { class: "card-state" }), again),
    close,
  );
}

/** Show the current state of a check in the current language. */
export function updateCard(card, check) {
  const name = nameOf(check);
  const { words, mark, tint, chance, count } = standing(check);
  card.dataset.state = check.state;
  card.dataset.verdict = tint;
  const link = card.querySelector(".card-link");
  link.textContent = name;
  link.title = name;
  card.querySelector(".card-state").replaceChildren(...stateNodes(mark, words, chance, count));
  const again = card.querySelector(".card-again");
  again.hidden = !canBeSent(check);
  again.textContent = text("checks.analyseOne");
  again.setAttribute("aria-label", text("checks.analyseNamed", { name }));
  const open = ["queued", "analyzing", "busy"].includes(check.state);
  const path = open ? "checks.cancelNamed" : "checks.removeNamed";
  card.querySelector(".card-close").setAttribute("aria-label", text(path, { name }));
}

/** The state line of a card: icon, text and, if any, the range of probabilities and a sentence for several faces. */
export function stateNodes(mark, words, chance, count) {
  const nodes = [icon(mark), element("span", {}, words)];
  if (chance) {
    const label = text("result.probabilityLabel", { percent: chance });
    const shown = element("span", { "aria-hidden": "true" }, chance);
    nodes.push(element("span", { class: "card-chance", title: label }, shown, element("span", { class: "unseen" }, label)));
  }
  return count ? [...nodes, element("span", { class: "card-count" }, count)] : nodes;
}

/** What stateNodes() shows of a finished check or an entry of the history: [icon, verdict, range, faces]. */
export function stateOf(answer) {
  const { verdict, name, range, count } = answerOf(answer);
  return [verdict, name, range, count];
}

function standing({ state, answer, failure }) {
  if (state === "analyzed") {
    const [verdict, words, chance, count] = stateOf(answer);
    return { words, mark: verdict, tint: verdict, chance, count };
  }
  if (state === "failed") {
    const code = knownCode(failure.code);
    return { words: text(`faults.${code}.name`), mark: faultIcon(code), tint: "unclassified" };
  }
  const name = state === "busy" && failure.code === "not_ready" ? "loading" : state;
  return { words: text(`waiting.${name}.heading`), mark: state === "cancelled" ? "cancelled" : "waiting", tint: "unclassified" };
}
