// Draws each model's likeliest next characters under the prompt while the reader types it. The strip lies over what is
// below the prompt, so nothing moves when it appears.
import {
  between,
  button,
  composes,
  filled,
  find,
  language,
  modified,
  node,
  onLanguage,
  spoken,
  targetOf,
  visible,
} from '../shared/dom.js';
import { FREE, shapeAsked } from './kept.js';

/** @typedef {import('./sheet.js').Answer} Answer */

const PAUSE = 170; // milliseconds from the last key to a request
const READ = 160; // the characters at the prompt's end that are read; more would cost more of the server's limit
const LETTERS = 6; // characters of each model
const HERE = '#prompt textarea, #actions, .live';

/**
 * The end of a prompt, in whole characters.
 * @param {string} prompt
 */
export const endOf = (prompt) => Array.from(prompt).slice(-READ).join('');

/**
 * A probability in whole percent.
 * @param {number} p
 */
export const whole = (p) => (p < 0.01 ? '<1%' : Math.round(100 * p) + '%');

/** The models on the board. */
const models = () =>
  [...document.querySelectorAll('#board .model-card')].map((card) => /** @type {HTMLElement} */ (card).dataset.model);

class Live {
  /** The models and the end of the prompt whose letters are wanted; null: none. @type {string | null} */
  #wanted = null;
  /** What was wanted when the last answer came, which has both languages. @type {{ wanted: string, answer: any } | null} */
  #told = null;
  #timer = 0;
  #isAsking = false;
  /** Whether the pause after the last key ended while another request was under way. */
  #isDue = false;

  /** @param {import('../shared/dom.js').Board} board */
  constructor({ element, labels, server }) {
    this.root = find(element, '.live');
    this.labels = labels;
    this.server = server;
    this.root.setAttribute('role', 'group');
    this.root.addEventListener('mousedown', (event) => event.preventDefault()); // the prompt keeps the focus
    this.root.addEventListener('keydown', (event) => this.#move(event));
    for (const typed of ['input', 'compositionend', 'focusin']) {
      document.addEventListener(typed, (event) => this.#listen(event));
    }
    document.addEventListener('focusout', (event) => this.#leave(event));
    document.addEventListener('keydown', (event) => event.key === 'Escape' && !composes(event) && this.#end());
    document.addEventListener('click', (event) => targetOf(event).closest?.('#actions button') && this.#end(), true);
    onLanguage(this.root, () => this.#draw());
  }

  get #prompt() {
    return /** @type {HTMLTextAreaElement} */ (document.querySelector('#prompt textarea'));
  }

  /** @param {Event} event */
  #listen(event) {
    const prompt = this.#prompt;
    if (event.target !== prompt || /** @type {InputEvent} */ (event).isComposing) return;
    clearTimeout(this.#timer);
    this.#isDue = false;
    const poem = shapeAsked() !== FREE;
    this.#wanted = JSON.stringify({ context: endOf(prompt.value), models: models(), k: LETTERS, poem });
    this.root.classList.toggle('old', this.#told?.wanted !== this.#wanted);
    this.#timer = window.setTimeout(() => this.#ask(), PAUSE);
  }

  /**
   * Ends when the focus leaves the prompt, the buttons below it and the strip.
   * @param {FocusEvent} event
   */
  #leave({ target, relatedTarget }) {
    const isHere = (/** @type {EventTarget | null} */ one) => one instanceof Element && one.closest(HERE);
    if (isHere(target) && !isHere(relatedTarget)) this.#end();
  }

  /** Hides the strip; no answer is drawn any more. */
  #end() {
    if (this.root.contains(document.activeElement)) this.#prompt.focus({ preventScroll: true });
    clearTimeout(this.#timer);
    this.#isDue = false;
    this.#wanted = null;
    this.root.hidden = true;
  }

  /** Requests what is wanted. One request is under way at a time; its answer is drawn only if nothing newer is wanted. */
  async #ask() {
    const wanted = this.#wanted;
    if (wanted === null || !this.#prompt.offsetParent) return;
    if (wanted === this.#told?.wanted) this.#draw();
    else if (this.#isAsking) this.#isDue = true;
    else {
      this.#isAsking = true;
      const answer = await this.server.next_chars(JSON.parse(wanted)).catch(() => null);
      this.#isAsking = false;
      if (wanted === this.#wanted) {
        this.#told = answer && { wanted, answer };
        if (answer) this.#draw();
        else this.root.hidden = true; // letters of an earlier prompt would be taken for those of this one
      } else if (this.#isDue) {
        this.#isDue = false;
        this.#ask();
      }
    }
  }

  /** Draws the last answer, if it is still wanted. */
  #draw() {
    if (!this.#told || this.#told.wanted !== this.#wanted) return;
    const labels = spoken(this.labels);
    /** @type {Partial<Answer>} */
    const { rows = [], error } = spoken(this.#told.answer);
    const isCut = Array.from(JSON.parse(this.#told.wanted).context).length === READ;
    const hint = labels.hint + (isCut ? between(language()) + filled(labels.end_only, { n: READ }) : '');
    const place = node('div', 'live-rows');
    place.append(...rows.map((row) => this.#row(row, labels)));
    const at = this.#letters().findIndex((one) => one === document.activeElement);
    this.root.replaceChildren(node('p', 'live-hint', error ?? hint), place);
    this.root.setAttribute('aria-label', labels.next);
    this.root.classList.remove('old');
    this.root.hidden = false;
    this.#reach(this.#letters()[Math.max(at, 0)]);
    if (at >= 0) this.#letters()[at]?.focus();
  }

  /**
   * @param {import('./sheet.js').Row} row
   * @param {Record<string, string>} labels
   */
  #row({ title, cell, candidates = [], error }, labels) {
    const made = node('div', 'live-row');
    made.append(node('span', 'who ' + cell, title));
    if (error) made.append(node('span', 'note', error));
    candidates.forEach(({ char, p }) => {
      const one = button('letter', '', () => this.#add(char));
      one.append(node('b', '', visible(char)), node('i', '', whole(p)));
      one.style.setProperty('--p', String(p));
      const name = { ' ': labels.space, '\n': labels.line_break }[char] ?? char;
      one.setAttribute('aria-label', name + ' ' + whole(p));
      made.append(one);
    });
    return made;
  }

  #letters() {
    return [...this.root.querySelectorAll('button')];
  }

  /**
   * Makes one letter the one that the Tab key reaches.
   * @param {Element | undefined} wanted
   */
  #reach(wanted) {
    this.#letters().forEach((one) => (one.tabIndex = one === wanted ? 0 : -1));
  }

  /**
   * Arrow keys move between the letters.
   * @param {KeyboardEvent} event
   */
  #move(event) {
    const letters = this.#letters().filter((one) => one.offsetWidth); // on a phone one of each model has no room
    const perRow = letters.length === this.#letters().length ? LETTERS : LETTERS - 1;
    const from = letters.findIndex((one) => one === document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: perRow, ArrowUp: -perRow }[event.key];
    if (!step || !letters[from + step] || modified(event)) return;
    event.preventDefault();
    this.#reach(letters[from + step]);
    letters[from + step].focus();
  }

  /**
   * Adds a character to the prompt, as if it were typed.
   * @param {string} char
   */
  #add(char) {
    const prompt = this.#prompt;
    prompt.value += char;
    prompt.scrollTop = prompt.scrollHeight;
    prompt.dispatchEvent(new Event('input', { bubbles: true }));
  }
}

/** @param {import('../shared/dom.js').Board} board */
export function mount(board) {
  new Live(board);
}
