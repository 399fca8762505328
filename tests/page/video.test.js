import assert from "node:assert/strict";
import test from "node:test";
import { load, serve } from "./page.js";

const { boxAt, decisiveTrack, nearestFrame, stretchesOf, worstFrame } = await load("video/times.js");
const { forHistory, keyFrames, posterOf } = await load("video/keyFrames.js");
const { detectVideo } = await load("video/detect.js");
const { isAnimation } = await load("video/files.js");
const { isVideoResult } = await load("validate.js");

const JPEG = "data:image/jpeg;base64,/9j/";
const SCORES = [0.1, 0.5, 0.9, 0.95, null, 0.2, 0.1, 0.1, 0.1, 0.1];

function video(changes = {}) {
  const timeline = SCORES.map((p_fake, time) => ({ time, p_fake, thumbnail: JPEG }));
  const frames = SCORES.slice(0, 4).map((p_fake, time) => ({ time, p_fake, box: [10 * time, 0, 40, 50] }));
  const tracks = [
    { verdict: "real", p_fake: 0.1, best: 1, reasons: [], frames: [6, 7, 8].map((time) => ({ time, p_fake: 0.1, box: [0, 0, 40, 50] })) },
    { verdict: "fake", p_fake: 0.93, best: 3, reasons: [], frames },
  ];
  return {
    ...{ verdict: "fake", p_fake: 0.93, tracks, timeline, reasons: [], duration: 10, rate: 25, width: 320, height: 180, codec: "h264" },
    ...{ model: { name: "m", version: "1" }, thresholds: { real: 0.2, fake: 0.8 }, timing_ms: { total: 1 } },
    ...changes,
  };
}

test("a frame stands for the time to the middle between it and its neighbors; equal verdicts are one stretch", () => {
  const answer = video();
  const [later, first] = answer.tracks.map((track) => stretchesOf(track, answer));
  assert.deepEqual(first, [{ from: 0, to: 0.5, verdict: "real" }, { from: 0.5, to: 1.5, verdict: "uncertain" }, { from: 1.5, to: 3.5, verdict: "fake" }]);
  assert.deepEqual(later, [{ from: 5.5, to: 8.5, verdict: "real" }]);
});

test("a box is that of its frame, in between interpolated, and absent where the face was not seen", () => {
  const [, track] = video().tracks;
  assert.deepEqual(boxAt(track, 1.02, 25), [10, 0, 40, 50]);
  assert.deepEqual(boxAt(track, 1.5, 25), [15, 0, 40, 50]);
  assert.equal(boxAt(track, 5, 25), null);
  const sparse = { frames: [track.frames[0], { ...track.frames[3], time: 30 }] };
  assert.equal(boxAt(sparse, 15, 25), null, "too far apart to know where it was");
});

test("the nearest, the worst and the decisive", () => {
  const answer = video();
  assert.equal(nearestFrame(answer.timeline, 4.4), 4);
  assert.equal(nearestFrame(answer.timeline, 4.4, ({ time }) => time > 6), 7);
  assert.equal(nearestFrame(answer.timeline, 4.4, () => false), 4);
  assert.equal(worstFrame(answer.timeline), 3);
  assert.equal(decisiveTrack(answer), answer.tracks[1]);
  assert.equal(decisiveTrack(video({ tracks: [] })), undefined);
});

test("key frames show each face at its best and the worst moments, in order of time", () => {
  const answer = video();
  const chosen = keyFrames(answer, 4);
  assert.equal(chosen.length, 4);
  assert.ok([3, 7].every((index) => chosen.includes(index)), String(chosen));
  assert.deepEqual(chosen, chosen.toSorted((one, other) => one - other));
  assert.deepEqual(keyFrames(video({ timeline: answer.timeline.map(({ thumbnail: _, ...point }) => point) })), []);
  assert.equal(keyFrames(video({ tracks: [] })).length, 6);
});

test("the history keeps all points and the thumbnails of eight frames, as a valid result", async () => {
  const kept = forHistory(video());
  assert.equal(kept.timeline.length, 10);
  assert.equal(kept.timeline.filter(({ thumbnail }) => thumbnail).length, 8);
  assert.ok(isVideoResult(kept));
  assert.equal((await posterOf(kept)).type, "image/jpeg");
  for (const change of [{ timeline: [null] }, { tracks: [{}] }, { rate: "25" }, { timeline: [{ time: 1, p_fake: null, thumbnail: `${JPEG}");` }] }]) {
    assert.equal(isVideoResult(video(change)), false, JSON.stringify(change));
  }
});

test("a video without a classified face says why", async () => {
  const code = async (...codes) => {
    const reasons = codes.map((code) => ({ code, message: code }));
    const answer = video({ verdict: "uncertain", p_fake: null, reasons });
    serve({ "/api/predict-video": new Response(`event: result\ndata: ${JSON.stringify(answer)}\n\n`) });
    return (await detectVideo({ file: new Blob(["video"]) }, new AbortController().signal, () => {})).code;
  };
  assert.equal(await code("face_obscured"), "face_obscured");
  assert.equal(await code("faces_too_small"), "face_too_small");
});

test("an animation is an image of three frames or more", async () => {
  const counts = { "image/gif": 3, "image/webp": 2, "image/png": 9 };
  globalThis.ImageDecoder = class {
    constructor({ type }) {
      this.completed = type === "image/avif" ? Promise.reject(new Error("damaged")) : Promise.resolve();
      this.tracks = { ready: Promise.resolve(), selectedTrack: { frameCount: counts[type] } };
    }
    close() {}
  };
  const is = (content, type) => isAnimation(new Blob([content], { type }));
  assert.equal(await is("GIF89a", "image/gif"), true);
  assert.equal(await is("RIFF\n\n\n\nWEBPVP8X", "image/webp"), false, "two frames");
  assert.equal(await is("PNG acTL", "image/png"), true);
  assert.equal(await is("PNG", "image/png"), false, "without the chunk that animates");
  assert.equal(await is("xxxxftypavis", "image/avif"), false);
  assert.equal(await is("GIF89a", "image/jpeg"), false);
  assert.equal(await isAnimation({ link: "https://example.com/a.gif" }), false);
  delete globalThis.ImageDecoder; // as in older browsers, and over HTTP from another machine
  const gif = (count) => Uint8Array.from(`GIF89a${"!\xf9\x04\x00\x0a\x00\x00\x00,".repeat(count)}`, (byte) => byte.charCodeAt(0));
  assert.equal(await is(gif(2), "image/gif"), false);
  assert.equal(await is(gif(3), "image/gif"), true);
  assert.equal(await is("PNG acTL fcTL fcTL fcTL", "image/png"), true);
  assert.equal(await is("RIFF\n\n\n\nWEBPVP8X ANMF ANMF", "image/webp"), false);
});

test("of an animation as many frames are asked for as the API analyzes of it as an image", async () => {
  const asked = [];
  serve({ "/api/predict-video": (address) => asked.push(new URL(address, "http://x").searchParams.get("frames")) });
  for (const animation of [true, false]) await detectVideo({ file: new Blob([""]), animation }, new AbortController().signal, () => {});
  assert.deepEqual(asked, ["8", null]);
});
