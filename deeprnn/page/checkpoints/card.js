// Draws the card of the chosen checkpoint (see view.py).
import { Carried, find, node, onLanguage, tableOf } from '../shared/dom.js';

/**
 * @typedef {object} Value
 * @property {string} name
 * @property {string} what a sentence that describes the model
 * @property {string[]} columns
 * @property {string[][]} rows one for each part of the text
 * @property {string} note
 * @property {string} made how it was made, with the command between backticks
 */

/** @param {string} text */
function withCode(text) {
  const made = node('p');
  made.append(...text.split('`').map((part, index) => (index % 2 ? node('code', '', part) : part)));
  return made;
}

/** @param {import('../shared/dom.js').Board} board */
export function mount({ element, props, labels, watch }) {
  const root = find(element, '.record');
  /** @type {Carried<Value>} */
  const carried = new Carried(props, labels);
  const draw = () => {
    const { name, what, columns, rows, note, made } = carried.given();
    root.replaceChildren();
    if (!name) return;
    root.append(node('h3', '', name), node('p', '', what), tableOf(columns, rows), node('p', '', note), withCode(made));
  };
  draw();
  watch('value', draw);
  onLanguage(root, draw);
}
