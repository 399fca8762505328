// Detects videos by name and type.

const CLIPS = /\.(mp4|m4v|mov|mkv|webm|avi|ts|mts|m2ts|mpe?g|wmv|flv)$/i;

/** Return whether a file is a video, by its type or, if the browser reports none, by its name. */
export function isVideo(file) {
  if (!(file instanceof Blob)) return false;
  return file.type ? file.type.startsWith("video/") : CLIPS.test(file.name ?? "");
}

/** 75.4 -> "1:15", 3.26 -> "0:03.3" where a part of a second matters. */
export function clock(seconds, fine = false) {
  const tenths = fine ? Math.round(seconds * 10) / 10 : Math.floor(seconds);
  const minutes = Math.floor(tenths / 60);
  const rest = (tenths - 60 * minutes).toFixed(fine ? 1 : 0).padStart(fine ? 4 : 2, "0");
  return `${minutes}:${rest}`;
}
