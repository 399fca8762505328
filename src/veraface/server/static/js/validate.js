// Validates answers of the API. A proxy, another program on the same port or a broken server may answer
// anything; an answer that does not match the API is a failure and never a verdict.

const VERDICTS = ["fake", "real", "uncertain"];

/** Return whether it is a valid detection result. */
export function isDetection(answer) {
  return (
    answer?.success === true &&
    VERDICTS.includes(answer.verdict) &&
    isChance(answer.p_fake) &&
    isRange(answer.p_fake_range) &&
    areFaces(answer) &&
    answer.faces?.length > 0 &&
    areReasons(answer.reasons) &&
    isChance(answer.thresholds?.real) &&
    isChance(answer.thresholds.fake) &&
    areTexts(answer.format, answer.model?.name, answer.model?.version) &&
    areNumbers([answer.timing_ms?.total, ...Object.values(answer.timing_ms ?? {})])
  );
}

/** Return whether it has an image size and valid faces, if any: a failure may list faces without a score. */
export function areFaces(answer) {
  const { width, height, faces } = answer ?? {};
  const list = faces ?? [];
  return areNumbers([width, height]) && width > 0 && height > 0 && Array.isArray(list) && list.every(isFace);
}

/** Return whether it is valid provenance. */
export function isProvenance(provenance) {
  const { credentials, claims, findings } = provenance ?? {};
  const placed = areReasons(claims) && claims.every((claim) => areTexts(claim.place));
  return areTexts(credentials?.state, credentials?.message) && placed && areReasons(findings);
}

/** Return whether they are findings with their grades. */
export function areFindings(findings) {
  const measured = ({ face_size, formats = [], ...rates }) => Array.isArray(formats) && areTexts(face_size, ...formats) && areNumbers(Object.values(rates));
  const isGraded = ({ grade, limitation, origin, error_rates }) => areTexts(grade, limitation, origin) && (!error_rates || measured(error_rates));
  return areReasons(findings) && findings.every(isGraded);
}

/** Return whether they are images that are safe to show: only two raster types, no SVG. */
export function areViews(views) {
  const isView = ({ name, media_type, data }) =>
    areTexts(name, data) && ["image/webp", "image/png"].includes(media_type) && /^[\w+/]+=*$/.test(data);
  return Array.isArray(views) && views.length > 0 && views.every((view) => view && isView(view));
}

/** Return whether it is a valid result of a video. */
export function isVideoResult(answer) {
  const { tracks, timeline, thresholds, width, height, duration, rate, timing_ms } = answer ?? {};
  const analyzed = VERDICTS.includes(answer?.verdict) && (answer.p_fake === null || isChance(answer.p_fake));
  return (
    (analyzed || answer?.verdict === "no_face") &&
    areNumbers([width, height, duration, rate, timing_ms?.total]) &&
    areReasons(answer.reasons) &&
    isChance(thresholds?.real) &&
    isChance(thresholds.fake) &&
    areTexts(answer.model?.name, answer.model?.version, answer.codec) &&
    Array.isArray(timeline) && timeline.length > 0 && timeline.every(isPoint) &&
    Array.isArray(tracks) && tracks.every(isTrack)
  );
}

/** Return whether it is a valid server status. */
export function isStatus(status) {
  return typeof status?.loaded === "boolean" && areNumbers([status.limits?.max_upload_bytes, status.limits?.max_pixels]);
}

function isPoint(point) {
  const { time, p_fake, thumbnail } = point ?? {};
  const shown = thumbnail === undefined || (typeof thumbnail === "string" && /^data:image\/jpeg;base64,[\w+/]+=*$/.test(thumbnail));
  return areNumbers([time]) && (p_fake === null || isChance(p_fake)) && shown;
}

function isTrack(track) {
  const { verdict, p_fake, frames, best, reasons } = track ?? {};
  const known = VERDICTS.includes(verdict) && (p_fake === null || isChance(p_fake)) && areReasons(reasons);
  return known && Array.isArray(frames) && frames.every(isSighting) && Boolean(frames[best]);
}

function isSighting(frame) {
  const { time, box, p_fake } = frame ?? {};
  return areNumbers([time]) && isBox(box) && (p_fake === null || isChance(p_fake));
}

function isFace(face) {
  const { box, p_fake, p_fake_range, verdict, reasons, heatmap } = face ?? {};
  const scored = (p_fake === null || isChance(p_fake)) && isRange(p_fake_range);
  return isBox(box) && scored && VERDICTS.includes(verdict) && areReasons(reasons) && (!heatmap || isHeatmap(heatmap));
}

function isHeatmap({ box, grid, angle = 0 }) {
  const rows = Array.isArray(grid) && grid.length > 0 && grid.every((row) => Array.isArray(row) && areNumbers(row));
  return isBox(box) && Number.isFinite(angle) && rows && grid[0].length > 0 && grid.every((row) => row.length === grid[0].length);
}

function isBox(box) {
  return Array.isArray(box) && box.length === 4 && areNumbers(box);
}

export function areReasons(reasons) {
  return Array.isArray(reasons) && reasons.every((reason) => areTexts(reason?.code, reason?.message));
}

export function isChance(value) {
  return Number.isFinite(value) && value >= 0 && value <= 1;
}

/** Whether it is [low, high], or left out as in results of earlier versions. */
export function isRange(range) {
  return (range ?? null) === null || (Array.isArray(range) && range.length === 2 && range.every(isChance) && range[0] <= range[1]);
}

export function areNumbers(values) {
  return values.every(Number.isFinite);
}

export function areTexts(...values) {
  return values.every((value) => typeof value === "string");
}
