// A comparison as an address and as a file that was saved.
import { listed, node } from '../shared/dom.js';

/** @typedef {import('./cards.js').Value} Value */

export const FREE = 'free'; // the shape of a text that is no poem of a given form

/** The shape in the controls, FREE while the models on the board write no poems. */
export const shapeAsked = () =>
  (document.querySelector('.compare.poems') &&
    /** @type {HTMLInputElement | null} */ (document.querySelector('#shape input:checked'))?.value) ||
  FREE;

/**
 * The query of the address that shows the same board. If all cards are recordings, it has no settings; a prompt, if
 * they were made after one.
 * @param {Value} value
 */
export function queryOf({ cards, after, prompt, seed, sampling, preset, budget, shape, acrostic, regulated, lang }) {
  const query = new URLSearchParams({ view: 'compare', lang });
  if (preset) {
    query.set('preset', preset);
    query.set('budget', String(budget));
  } else query.set('models', listed(cards.map((card) => card.model)));
  if (!cards.every((card) => card.state === 'recorded')) {
    const { temperature, top_k, top_p, max_chars } = sampling;
    const length = Math.max(...cards.map((card) => Array.from(card.text).length), 0) || max_chars;
    const poem = { form: shape, ...(acrostic && { acrostic }), ...(regulated && { regulated: 1 }) };
    const set = { prompt, seed, temperature, top_k, top_p, ...(shape === FREE ? { length } : poem) };
    for (const [name, given] of Object.entries(set)) query.set(name, String(given));
  } else if (after && !preset) query.set('prompt', prompt);
  return query.toString();
}

/**
 * A saved comparison without its figures, which the server computes again: they are ten times as long as its texts.
 * @param {string} text
 */
export function withoutFigures(text) {
  try {
    const value = JSON.parse(text);
    value.cards.forEach((/** @type {{ figures?: object }} */ card) => delete card.figures);
    return JSON.stringify(value);
  } catch {
    return text; // the server reports the error
  }
}

/**
 * Lets the reader choose a file that was saved.
 * @param {(text: string) => void} opened gets the file's text
 */
export function choose(opened) {
  const picker = node('input');
  picker.type = 'file';
  picker.accept = '.json,application/json';
  picker.addEventListener('change', async () => {
    const file = picker.files?.[0];
    if (file) opened(withoutFigures(await file.text()));
  });
  picker.click();
}
