// One video: the player during the analysis, then verdict, timeline and frames; reopened from the history without the player.
import { worstFirst } from "../answer.js";
import { AnswerSheet } from "../answerSheet.js";
import { decisionRow, updateDecision } from "../decision.js";
import { byId, element } from "../dom.js";
import { faultAnnouncement, faultView } from "../fault.js";
import { addKeys } from "../keys.js";
import { text } from "../language.js";
import { analyse, cancel, changes, find, retryNow } from "../queue.js";
import { ResultToolbar } from "../resultToolbar.js";
import { go } from "../router.js";
import { loadStyle } from "../styles.js";
import { clock } from "../video/files.js";
import { videoHandOn } from "../video/handOn.js";
import { keyFrameStrip } from "../video/keyFrames.js";
import { frameTable, videoAnnouncement, videoPanel } from "../video/panel.js";
import { Player } from "../video/player.js";
import { timelineOf } from "../video/timeline.js";
import { decisiveTrack, nearestFrame, worstFrame } from "../video/times.js";
import { waitingView } from "../waiting.js";

await loadStyle("video");

/** Fill root with the result of a video: a check, or the `entry` of the history. */
export function open(root, { id, entry }) {
  const view = new VideoView(root, find(id) ?? { ...entry, state: entry.failure ? "failed" : "analyzed", url: null, old: true });
  return { title: "result.title", render: () => view.render(), close: () => view.close() };
}

class VideoView {
  constructor(root, check) {
    this.check = check;
    this.selected = -1;
    this.toolbar = new ResultToolbar();
    this.decision = element("section", { class: "own-decision" }, decisionRow(check));
    this.panel = element("div", { class: "panel", id: "panel" });
    this.player = new Player(check.url, (time) => this.#played(time), check.animation);
    this.progress = element("div", { class: "video-progress", hidden: true });
    this.left = element("div", { class: "left" }, this.player.node, this.progress);
    this.overTime = element("div", { class: "over-time" });
    const columns = element("div", { class: "columns video-columns" }, this.left, this.overTime, this.panel);
    this.sheet = new AnswerSheet(this.panel);
    root.append(element("section", { class: "work", "data-label": "result.label" }, this.toolbar.node, columns, this.sheet.node));
    const onChange = ({ detail }) => (detail === null || detail === check) && this.#layOut();
    changes.addEventListener("change", onChange);
    this.stops = [() => changes.removeEventListener("change", onChange), this.#keys()];
  }

  render() {
    this.toolbar.render(this.check);
    this.shown = null; // rebuild everything after a change of language
    this.player.render();
    this.#layOut();
  }

  close() {
    clearInterval(this.clock);
    for (const stop of this.stops) stop();
    this.sheet.close();
    this.player.close();
    byId("live").textContent = "";
  }

  #layOut() {
    const { state } = this.check;
    document.body.dataset.state = { queued: "analyzing" }[state] ?? state;
    this.panel.setAttribute("aria-busy", String(["analyzing", "queued"].includes(state)));
    this.progress.hidden = state !== "analyzing";
    this.left.hidden = state === "failed";
    clearInterval(this.clock);
    const held = this.panel.contains(document.activeElement);
    if (state === "analyzed") this.#layResult();
    else if (state === "failed") this.#layFault();
    else this.#layWaiting();
    if (held && !this.panel.contains(document.activeElement)) this.panel.querySelector("#verdict")?.focus({ preventScroll: true });
  }

  #layResult() {
    if (this.shown === "analyzed") return this.#fillPanel(); // the hash has come
    this.shown = "analyzed";
    const { answer: given } = this.check;
    // The most suspicious face is number 1, as in images.
    const answer = { ...given, tracks: worstFirst(given.tracks).map((index) => given.tracks[index]) };
    this.answer = answer;
    this.actions = videoHandOn(this.check, answer, () => this.#print());
    this.player.lay(answer);
    this.timeline = timelineOf(answer, (time) => this.#seek(time));
    const worst = element("button", { type: "button", class: "quiet", id: "worst" }, text("video.worst"));
    worst.addEventListener("click", () => this.#worst());
    const hints = ["mouse", "touch"].map((by) => element("span", { class: `for-${by}` }, text(by === "touch" ? "video.hintTouch" : "video.hint")));
    const head = element("div", { class: "chart-top" }, element("h2", { class: "chart-name" }, text("video.chart")), worst);
    const parts = [head, this.timeline.node, element("p", { class: "hint" }, hints), keyFrameStrip(answer, (index) => this.#select(index)), frameTable(answer)];
    this.overTime.replaceChildren(...parts.filter(Boolean));
    this.#fillPanel();
    this.#select(this.selected < 0 ? this.#first() : this.selected);
    byId("live").textContent = videoAnnouncement(answer);
  }

  #fillPanel() {
    const held = [...this.panel.querySelectorAll("button, input")].indexOf(document.activeElement);
    updateDecision(this.decision, this.check);
    this.panel.replaceChildren(...videoPanel({ ...this.check, answer: this.answer }, (track) => this.#look(track), [this.actions, this.decision]));
    if (held >= 0) this.panel.querySelectorAll("button, input")[held]?.focus({ preventScroll: true });
  }

  #layFault() {
    const { failure } = this.check;
    this.shown = "failed";
    this.overTime.replaceChildren();
    this.panel.replaceChildren(...faultView(failure, this.check.old ? {} : { retry: () => analyse([this.check]) }).filter(Boolean));
    updateDecision(this.decision, this.check);
    this.panel.append(this.decision);
    byId("live").textContent = faultAnnouncement(failure);
  }

  #layWaiting() {
    const act = { analyse: () => analyse([this.check]), cancel: () => cancel([this.check]), retryNow: () => retryNow(this.check) };
    const fill = () => {
      const { nodes, announcement, key } = waitingView(this.check, act);
      if (this.shown !== key) {
        this.shown = key;
        byId("live").textContent = announcement;
        this.bar = element("progress", { "aria-label": text("video.progressLabel") });
        this.count = element("p", { class: "hint", id: "video-count" });
        this.progress.replaceChildren(this.bar, this.count);
        this.overTime.replaceChildren();
        this.panel.replaceChildren(...nodes);
      } else this.panel.querySelector("#verdict + p").textContent = nodes[0].querySelector("#verdict + p").textContent;
      this.#renderProgress();
    };
    fill();
    if (["analyzing", "queued", "busy"].includes(this.check.state)) this.clock = setInterval(fill, 500);
  }

  #renderProgress() {
    const { progress } = this.check;
    if (progress) {
      this.bar.max = progress.total;
      this.bar.value = progress.done;
    } else this.bar.removeAttribute("value");
    const words = progress ? text("video.progress", { done: progress.done, count: progress.total }) : text("video.sending");
    this.count.textContent = progress?.done ? `${words} · ${clock(progress.time)}` : words;
  }

  // The frame that the deciding face is best seen in.
  #first() {
    const track = decisiveTrack(this.answer);
    return track ? this.#frameOf(track) : worstFrame(this.answer.timeline);
  }

  #frameOf(track) {
    const { time } = track.frames[track.best];
    return nearestFrame(this.answer.timeline, time);
  }

  #look(track) {
    this.#select(this.#frameOf(track));
  }

  #worst() {
    this.#select(worstFrame(this.answer.timeline));
    this.player.node.scrollIntoView({ block: "nearest" });
  }

  // What can be shown: every frame of a video that plays, else those with a thumbnail.
  #canShow = ({ thumbnail }) => this.player.playable || Boolean(thumbnail);

  // To a time that was pointed at; without the video, to the nearest frame there is.
  #seek(time) {
    const { timeline } = this.answer;
    if (!this.player.playable) return this.#select(nearestFrame(timeline, time, this.#canShow));
    this.player.video.currentTime = time;
    return this.#played(time);
  }

  #select(index) {
    const { timeline } = this.answer;
    this.selected = Math.min(timeline.length - 1, Math.max(0, index));
    this.player.pause();
    this.player.show(timeline[this.selected]);
    this.#mark(timeline[this.selected].time);
  }

  // The video is at another time, by its own controls or because it plays.
  #played(time) {
    if (this.check.state !== "analyzed" || !this.timeline) return;
    const { timeline } = this.answer;
    const nearest = nearestFrame(timeline, time);
    if (nearest !== this.selected) this.player.show(timeline[nearest], { seek: false });
    this.selected = nearest;
    this.#mark(time);
  }

  #mark(time) {
    this.timeline.mark(this.selected, time);
    for (const frame of this.overTime.querySelectorAll(".key-frame")) {
      if (frame.dataset.index === String(this.selected)) frame.setAttribute("aria-current", "true");
      else frame.removeAttribute("aria-current");
    }
  }

  #step(by) {
    const { timeline } = this.answer;
    const possible = timeline.flatMap((point, index) => (this.#canShow(point) ? [index] : []));
    const next = by > 0 ? possible.find((index) => index > this.selected) : possible.findLast((index) => index < this.selected);
    if (next !== undefined) this.#select(next);
  }

  #end(last) {
    const possible = this.answer.timeline.flatMap((point, index) => (this.#canShow(point) ? [index] : []));
    if (possible.length) this.#select(possible.at(last ? -1 : 0));
  }

  #print() {
    this.player.pause();
    print();
  }

  #keys() {
    const done = (act) => () => this.check.state === "analyzed" && act();
    return addKeys({
      " ": { label: "video.play", run: () => this.player.toggle() },
      ArrowRight: { label: "video.nextFrame", run: done(() => this.#step(1)) },
      ArrowLeft: { label: "video.previousFrame", run: done(() => this.#step(-1)) },
      Home: { label: "video.firstFrame", run: done(() => this.#end(false)) },
      End: { label: "video.lastFrame", run: done(() => this.#end(true)) },
      ...this.toolbar.keys(),
      w: { label: "video.worst", run: done(() => this.#worst()) },
      p: { label: "keys.print", run: done(() => this.#print()) },
      Enter: { label: "keys.analyse", run: () => this.check.state === "ready" && analyse([this.check]) },
      Escape: { label: "keys.close", run: () => this.#escape() },
    });
  }

  #escape() {
    if (["queued", "analyzing", "busy"].includes(this.check.state)) cancel([this.check]);
    else go(this.check.old ? "/history" : "/");
  }
}
