// Remembers what was shown before each branch, so that the reader can go back to it.
import { filled, visible } from '../shared/dom.js';

const MOST = 20; // branches that are remembered
const STEP = 1 / 64; // the server's turns are whole numbers

/**
 * The text of the board (one line), the values of the controls, and the character that was chosen then.
 * @typedef {{ board: string, settings: any[], char: string }} Moment
 */

/**
 * The text of a board with a turn just after another one, so that it is drawn over that one, and under the server's next.
 * @param {string} board
 * @param {number} turn
 */
export const after = (board, turn) => JSON.stringify({ ...JSON.parse(board), turn: turn + STEP });

export class Past {
  /** @type {Moment[]} */
  #moments = [];

  /**
   * @param {HTMLElement} button
   * @param {(moment: Moment) => void} restore
   */
  constructor(button, restore) {
    this.button = button;
    button.addEventListener('click', () => {
      const moment = this.#moments.pop();
      if (moment) restore(moment);
    });
  }

  /** @param {Moment} moment */
  add(moment) {
    this.#moments = [...this.#moments, moment].slice(-MOST);
  }

  clear() {
    this.#moments = [];
  }

  /**
   * Shows the button if there is something to go back to.
   * @param {Record<string, string>} labels
   */
  draw(labels) {
    const last = this.#moments.at(-1);
    this.button.hidden = !last;
    if (last) this.button.textContent = filled(labels.undo, { char: visible(last.char) });
  }
}
