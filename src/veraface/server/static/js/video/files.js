// Detects videos by name and type, and animated images, which are analyzed as videos, by their content.

const CLIPS = /\.(mp4|m4v|mov|mkv|webm|avi|ts|mts|m2ts|mpe?g|wmv|flv)$/i;
const ANIMATED = ["image/gif", "image/webp", "image/png", "image/apng", "image/avif"];
const MARKS = /^GIF8|^RIFF.{4}WEBPVP8X|acTL|ftypavis/s; // of these formats, where a file may be animated
const HEAD = 65_536; // bytes at the start of a file, which hold such a mark
const FRAMES = /!\u00f9\x04.{4}\0|fcTL|ANMF/gs; // what a frame of a GIF, PNG or WebP begins with, for browsers without ImageDecoder
const MIN_FRAMES = 3; // of two, the server takes the worse as an image

/** Return whether a file is a video, by its type or, if the browser reports none, by its name. */
export function isVideo(file) {
  if (!(file instanceof Blob)) return false;
  return file.type ? file.type.startsWith("video/") : CLIPS.test(file.name ?? "");
}

/** Return whether a file is an animated image. */
export async function isAnimation(file) {
  if (!(file instanceof Blob) || !ANIMATED.includes(file.type)) return false;
  if (!MARKS.test(await latin(file.slice(0, HEAD)))) return false;
  const count = "ImageDecoder" in globalThis ? countFrames(file) : latin(file).then((bytes) => bytes.match(FRAMES)?.length ?? 0);
  return (await count) >= MIN_FRAMES;
}

async function latin(blob) {
  return new TextDecoder("latin1").decode(await blob.arrayBuffer());
}

async function countFrames(file) {
  try {
    const decoder = new ImageDecoder({ type: file.type, data: await file.arrayBuffer() });
    await Promise.all([decoder.completed, decoder.tracks.ready]);
    const { frameCount } = decoder.tracks.selectedTrack;
    decoder.close();
    return frameCount;
  } catch {
    return 0; // the server reports what is wrong with it
  }
}

/** 75.4 -> "1:15", 3.26 -> "0:03.3" where a part of a second matters. */
export function clock(seconds, fine = false) {
  const tenths = fine ? Math.round(seconds * 10) / 10 : Math.floor(seconds);
  const minutes = Math.floor(tenths / 60);
  const rest = (tenths - 60 * minutes).toFixed(fine ? 1 : 0).padStart(fine ? 4 : 2, "0");
  return `${minutes}:${rest}`;
}
