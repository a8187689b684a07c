// Draws Python code with its kinds of words marked, and a button that copies it (see highlighting.py).
import { button, copy, node } from './dom.js';

/** @typedef {[string, string][]} Pieces pairs of a kind and a text */
/** @typedef {{ copy: string, link_copied: string }} Labels */

/**
 * @param {Pieces} pieces
 * @param {Labels} labels
 */
export function code(pieces, labels) {
  const made = node('div', 'code');
  const block = node('pre');
  block.tabIndex = 0;
  const lines = node('code');
  lines.append(...pieces.map(([kind, text]) => (kind ? node('span', kind, text) : text)));
  block.append(lines);
  const source = pieces.map(([, text]) => text).join('');
  const copying = button('copy', labels.copy, () => copy(source, copying, labels.link_copied));
  made.append(block, copying);
  return made;
}
