// Boards whose values are the same for everyone: value and script are fetched when the board is drawn, that is when its
// tab is opened.
import { button, filled, node, onLanguage, spoken, take } from './dom.js';

/** @typedef {Record<'loading' | 'failed' | 'again', string>} Labels */
/** @typedef {{ labels: any, value: any }} Shown both in both languages */
/** @typedef {{ mount: (board: import('./dom.js').Board) => void }} Module */

/**
 * Fetches what a board shows, and the script of its view, whose `mount` draws it, once; tells the reader if that fails.
 * @param {string} view
 * @param {string} file the address of what it shows, see `Shown`
 * @param {any} words in both languages, see `Labels`
 * @param {Omit<import('./dom.js').Board, 'labels'>} board
 */
export async function mount(view, file, words, board) {
  const place = node('p', 'hint');
  let failure = '';
  /** The script, once it is here: a browser keeps that it failed as long as the page is open. @type {Module | null} */
  let module = null;
  const tell = () => {
    /** @type {Labels} */
    const labels = spoken(words);
    place.textContent = failure ? filled(labels.failed, { why: failure }) + ' ' : labels.loading;
    if (failure) place.append(button('copy', labels.again, module ? load : () => location.reload()));
  };
  const load = async () => {
    failure = '';
    board.element.ariaBusy = 'true';
    const focused = place.contains(document.activeElement);
    tell();
    if (focused) take(place); // "Try again" is gone
    /** @type {Shown} */
    let got;
    try {
      const shown = fetched(file);
      shown.catch(() => {}); // it is awaited below
      module ??= /** @type {Module} */ (await import(`../${view}/${view}.js`));
      got = await shown;
    } catch (error) {
      failure = String(error);
      board.element.ariaBusy = 'false';
      tell();
      return;
    }
    const waits = place.contains(document.activeElement);
    place.remove();
    const { labels, value } = got;
    module.mount({ ...board, labels, props: { value: JSON.stringify(value) } });
    board.element.ariaBusy = 'false';
    if (waits) take(board.element);
  };
  place.setAttribute('role', 'status');
  board.element.append(place);
  onLanguage(place, tell);
  await load();
}

/**
 * @param {string} file
 * @returns {Promise<Shown>}
 */
async function fetched(file) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}
