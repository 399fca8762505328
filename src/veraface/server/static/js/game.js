// "Can you tell?": a person against the model, on the samples or on a folder of labeled images.
import { detect } from "./api.js";
import { element, icon } from "./dom.js";
import { text } from "./language.js";

/** The faces that come with the page, and what they are. They load when the game opens. */
export const FACES = [
  ["aldrin.jpg", "real"],
  ["armstrong.jpg", "real"],
  ["astronaut.jpg", "real"],
  ["collins.jpg", "real"],
  ["officer.jpg", "real"],
  ["astronaut-swap.jpg", "fake"],
  ["face-swap.jpg", "fake"],
  ["generated.jpg", "fake"],
  ["glasses.jpg", "fake"],
  ["rain.jpg", "fake"],
];
const ROUNDS = 10;
const LABEL = /(?:^|[^a-z])(real|fake)(?![a-z])/gi; // in the path of a file; the last one counts

/** Images of a folder whose path contains "real" or "fake", at most ten in random order: [{ file, truth }]. */
export function labeledImages(files) {
  const labeled = [...files].map((file) => ({ file, truth: [...(file.webkitRelativePath || file.name).matchAll(LABEL)].at(-1)?.[1].toLowerCase() }));
  return shuffled(labeled.filter(({ file, truth }) => truth && file.type.startsWith("image/"))).slice(0, ROUNDS);
}

/** Open the game with these images: [{ file, truth }]. */
export function openGame(samples) {
  const heading = element("h2", { id: "game-heading", tabindex: "-1" }, text("game.heading"));
  const body = element("div", { class: "game-body" });
  const folder = element("input", { type: "file", webkitdirectory: true, multiple: true, hidden: true });
  const close = element("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, text("close"));
  const own = element("button", { type: "button", class: "quiet", onclick: () => folder.click() }, text("game.folder"), folder);
  const dialog = element(
    "dialog",
    { class: "game", "aria-labelledby": "game-heading" },
    heading,
    body,
    element("p", { class: "hint" }, text("game.folderHint")),
    element("p", { class: "links" }, close, own),
  );
  const stop = new AbortController();
  let urls = [];
  folder.addEventListener("change", () => {
    const images = labeledImages(folder.files);
    if (images.length) play(images);
    else body.replaceChildren(element("p", { role: "status" }, text("game.nothing")));
  });
  dialog.addEventListener("close", () => {
    stop.abort();
    for (const url of urls) URL.revokeObjectURL(url);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  play(shuffled(samples));

  function play(images) {
    show(images.map(({ file, truth }) => ({ file, truth, verdict: null, guess: null })), 0);
  }

  // Asks for this verdict and the next one: never for all at once, and the player need not wait.
  function ask(rounds, at) {
    for (const round of rounds.slice(at, at + 2)) round.verdict ??= detect(round.file, stop.signal).then(verdictOf);
  }

  function show(rounds, at) {
    const round = rounds[at];
    ask(rounds, at);
    const url = URL.createObjectURL(round.file);
    urls.push(url);
    const guess = async (chosen) => {
      round.guess = chosen;
      answers.replaceChildren(element("p", { role: "status" }, text("game.truth", { truth: text(`game.${round.truth}`), verdict: nameOf(await round.verdict) })));
      const next = element("button", { type: "button", class: "primary" }, text(at + 1 < rounds.length ? "game.next" : "game.score"));
      next.addEventListener("click", () => (at + 1 < rounds.length ? show(rounds, at + 1) : score(rounds)));
      answers.append(next);
      next.focus();
    };
    const choice = (truth) => element("button", { type: "button", class: "quiet", onclick: () => guess(truth) }, icon(truth), text(`game.${truth}`));
    const answers = element("div", { class: "game-answers" }, choice("real"), choice("fake"));
    body.replaceChildren(
      element("p", { class: "hint" }, text("result.place", { number: at + 1, count: rounds.length })),
      element("img", { src: url, alt: text("game.image") }),
      answers,
    );
    heading.focus();
  }

  async function score(rounds) {
    const verdicts = await Promise.all(rounds.map(({ verdict }) => verdict));
    const right = (given) => rounds.filter(({ truth }, i) => given(i) === truth).length;
    const count = rounds.length;
    const open = verdicts.filter((verdict) => !["fake", "real"].includes(verdict)).length;
    body.replaceChildren(
      element("p", { class: "game-score", role: "status" }, text("game.you", { right: right((i) => rounds[i].guess), count })),
      element("p", {}, text("game.veraface", { right: right((i) => verdicts[i]), count, open })),
    );
    heading.focus();
  }
}

function verdictOf(outcome) {
  return outcome?.kind === "analyzed" ? outcome.answer.verdict : null;
}

function nameOf(verdict) {
  return ["fake", "real", "uncertain"].includes(verdict) ? text(`verdicts.${verdict}.name`) : text("faults.no_face.name");
}

function shuffled(items) {
  const keyed = items.map((item) => [Math.random(), item]);
  return keyed.sort(([one], [other]) => one - other).map(([, item]) => item);
}
