// Bytes as text, for messages and storage that take only JSON.

/** A data: address with the content of a blob. */
export async function toDataAddress(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const parts = [];
  for (let start = 0; start < bytes.length; start += 32_768) parts.push(String.fromCharCode(...bytes.subarray(start, start + 32_768)));
  return `data:${blob.type || "application/octet-stream"};base64,${btoa(parts.join(""))}`;
}

/** The content of a data: address that toDataAddress() made. */
export function fromDataAddress(address) {
  const [head, content] = address.split(",", 2);
  const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length, head.indexOf(";")) });
}
