// Draws what is around the cards: the choice of a highlight with its key, the menu of files.
import { button, node, segments } from '../shared/dom.js';

/** @typedef {'json' | 'csv' | 'md'} Kind */

/**
 * @param {string} lens the highlight that is chosen
 * @param {Record<string, string>} labels
 * @param {boolean} lines whether copied lines of verse are looked for
 * @param {(lens: string) => void} choose
 */
export function lenses(lens, labels, lines, choose) {
  const entries = ['plain', 'surprise', 'copied'].map(
    (name) => /** @type {[string, string]} */ ([name, labels['lens_' + name]]),
  );
  const key = node('span', 'key');
  if (lens === 'surprise') {
    key.append(node('span', '', labels.heat_scale), node('i', 'ramp'), node('span', '', labels.heat_scale_high));
  }
  if (lens === 'copied') key.append(node('span', 'copied', lines ? labels.copied_hint_lines : labels.copied_hint));
  return [node('span', '', labels.show), segments(entries, lens, choose), key];
}

/**
 * The key of what is marked in poems.
 * @param {Record<string, string>} labels
 * @param {boolean} hasForm whether characters may have been given
 */
export function marksOfPoems(labels, hasForm) {
  const key = node('span', 'key of-poems');
  key.append(node('span', 'rhyme', labels.rhymes));
  if (hasForm) key.append(node('span', 'given', labels.given));
  return key;
}

/**
 * The menu of files: three kinds to save, and one to open. A choice, Escape, or leaving it closes it.
 * @param {Record<string, string>} labels
 * @param {(kind: Kind) => void} save
 * @param {() => void} open
 */
export function menu(labels, save, open) {
  const made = node('details', 'menu');
  const head = node('summary', '', labels.files);
  const list = node('div');
  /** @type {[string, () => void][]} */
  const entries = [
    ['JSON', () => save('json')],
    ['CSV', () => save('csv')],
    ['Markdown', () => save('md')],
  ];
  const choice = (/** @type {string} */ text, /** @type {() => void} */ chosen) =>
    button('', text, () => {
      head.focus({ preventScroll: true }); // the pressed button is about to be hidden
      made.open = false;
      chosen();
    });
  list.append(node('span', '', labels.export), ...entries.map(([text, chosen]) => choice(text, chosen)));
  list.append(choice(labels.open_file, open));
  made.append(head, list);
  made.addEventListener('focusout', (event) => {
    const next = /** @type {Node | null} */ (event.relatedTarget);
    if (next && !made.contains(next)) made.open = false;
  });
  made.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !made.open) return;
    event.stopPropagation();
    made.open = false;
    head.focus();
  });
  return made;
}
