// Reads a text file that the visitor opens; nothing is sent.

/**
 * The text in the bytes of a file, and the encoding by which it was read; null: it is no text. UTF-8 is tried first, then
 * UTF-16 if the bytes begin with its mark, then GB18030, in which Chinese texts often are.
 * @param {Uint8Array} bytes
 * @returns {{ text: string, encoding: string } | null}
 */
export function decoded(bytes) {
  const marked = { '255,254': 'utf-16le', '254,255': 'utf-16be' }[bytes.slice(0, 2).join()];
  for (const encoding of marked ? [marked] : ['utf-8', 'gb18030']) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      if (!text.includes('\0')) return { text, encoding: encoding.toUpperCase() };
    } catch {
      // the next encoding
    }
  }
  return null;
}

/**
 * The text in a file, as `decoded` reads it; null also if the browser cannot read the file.
 * @param {File} file
 */
export async function textIn(file) {
  const bytes = await file.arrayBuffer().catch(() => null);
  return bytes && decoded(new Uint8Array(bytes));
}
