// Draws what is seen: one sentence, what its figures mean, and the rest in a fold.
import { between, button, find } from '../shared/dom.js';

/**
 * @typedef {object} Seen
 * @property {{ takeaway: string, rest: string } | null} verdict
 * @property {string} elsewhere the settings with which the verdict was seen, if the board has others
 * @property {string} note about the models' texts and alphabets
 * @property {Record<string, string>} labels
 * @property {string} lang
 * @property {object[]} cards
 */

/**
 * @param {HTMLElement} place
 * @param {Seen} seen
 * @param {() => void} back shows the recordings again
 */
export function drawSeen(place, { verdict, elsewhere, note, labels, lang, cards }, back) {
  const takeaway = find(place, '.takeaway');
  const [more, text, noted, apart] = ['.rest', '.rest p', '.rest .note', '.apart'].map((one) => find(place, one));
  const pressed = takeaway.contains(document.activeElement);
  place.hidden = !cards.length;
  takeaway.hidden = more.hidden = !verdict;
  takeaway.classList.toggle('past', Boolean(elsewhere));
  takeaway.textContent = verdict?.takeaway ?? '';
  if (elsewhere) {
    takeaway.prepend(labels.in_recording + between(lang));
    takeaway.append(between(lang), button('', labels.back, back));
  }
  find(place, '.measured').textContent = labels.measured;
  find(more, 'summary').textContent = labels.more;
  text.textContent = [elsewhere, verdict?.rest].filter(Boolean).join(between(lang));
  noted.textContent = verdict ? note : '';
  apart.textContent = verdict ? '' : note;
  apart.hidden = Boolean(verdict) || !note;
  /** @type {HTMLElement | null} */
  const next = takeaway.querySelector('button') ?? document.querySelector('.compare .out');
  if (pressed) next?.focus({ preventScroll: true });
}
