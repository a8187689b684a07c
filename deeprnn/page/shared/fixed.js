// Boards whose values are the same for everyone: each is fetched when it is drawn, that is when its tab is opened.
import { button, filled, node, onLanguage, spoken } from './dom.js';

/** @typedef {Record<'loading' | 'failed' | 'again', string>} Labels */

/**
 * Fetches the value of a board and draws it, once; tells the reader if that fails.
 * @param {(board: import('./dom.js').Board) => void} draw the function `mount` of the board's module
 * @param {string} file the address of the value
 * @param {any} words in both languages, see `Labels`
 * @param {import('./dom.js').Board} board
 */
export async function mount(draw, file, words, board) {
  const place = node('p', 'hint');
  let failure = '';
  const tell = () => {
    /** @type {Labels} */
    const labels = spoken(words);
    place.textContent = failure ? filled(labels.failed, { why: failure }) + ' ' : labels.loading;
    if (failure) place.append(button('copy', labels.again, load));
  };
  const load = async () => {
    failure = '';
    tell();
    let value = '';
    try {
      value = await fetched(file);
    } catch (error) {
      failure = String(error);
      tell();
      return;
    }
    place.remove();
    draw({ ...board, props: { value } });
  };
  place.setAttribute('role', 'status');
  board.element.append(place);
  onLanguage(place, tell);
  await load();
}

/** @param {string} file */
async function fetched(file) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.text();
}
