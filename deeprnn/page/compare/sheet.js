// Draws the sheet of next characters: a button for each of every model's likeliest characters after a text.
import { between, button, composes, find, modified, node, percent, targetOf, visible } from '../shared/dom.js';

/** @typedef {{ char: string, p: number }} Candidate */
/** @typedef {{ title: string, cell: string, candidates?: Candidate[], error?: string }} Row */
/** @typedef {{ rows: Row[], error?: string }} Answer */

const GAP = 12; // pixels between a character and the sheet

/**
 * Where a key leads from a place among rows of buttons; null: the key moves nothing.
 * @param {string} key
 * @param {number} row
 * @param {number} at the index in the row
 * @param {number[]} lengths of the rows
 * @returns {[row: number, at: number] | null}
 */
export function moved(key, row, at, lengths) {
  const clamp = (/** @type {number} */ value, /** @type {number} */ length) => Math.max(0, Math.min(length - 1, value));
  const down = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (down) {
    const other = clamp(row + down, lengths.length);
    return [other, clamp(at, lengths[other])];
  }
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: lengths[row] - 1 }[key];
  return to === undefined ? null : [row, clamp(to, lengths[row])];
}

export class Sheet {
  /** The element that gets the focus when the sheet is closed. @type {HTMLElement | null} */
  #returnTo = null;

  /**
   * @param {HTMLElement} place
   * @param {(char: string, context: string) => void} branch
   */
  constructor(place, branch) {
    this.place = place;
    this.branch = branch;
    const escape = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Escape' || composes(event) || place.hidden) return;
      event.stopPropagation();
      this.close();
    };
    document.addEventListener('keydown', escape, true);
  }

  /**
   * @param {Answer} answer
   * @param {{ context: string[], actual: string | undefined }} asked the characters before the place, and the one at it
   * @param {Record<string, string>} labels
   * @param {string} lang
   * @param {HTMLElement} returnTo
   */
  open(answer, { context, actual }, labels, lang, returnTo) {
    const close = button('close', labels.close, () => this.close());
    const heading = node('h3', '', labels.next_title + between(lang));
    const end = context.slice(-28).map((one) => (one === '\n' ? '↵' : one));
    heading.append(node('code', '', '…' + end.join('')));
    const head = node('div', 'next-head');
    head.append(heading, close);
    const body = node('div', 'next-rows');
    body.setAttribute('role', 'toolbar');
    body.setAttribute('aria-label', labels.next_title);
    if (answer.error) body.append(node('p', 'note', answer.error));
    else body.append(...answer.rows.map((row) => this.#row(row, context.join(''), actual)));
    this.#makeOneStop(body);
    this.place.replaceChildren(head, node('p', 'note', labels.next_branch), body);
    this.place.setAttribute('aria-label', labels.next_title);
    this.#returnTo = returnTo;
    this.place.hidden = false;
  }

  /** Gives the sheet the focus. */
  focus() {
    find(this.place, '.close').focus({ preventScroll: true });
  }

  /**
   * Makes all characters one tab stop; arrow keys move among them.
   * @param {HTMLElement} body
   */
  #makeOneStop(body) {
    const lists = [...body.querySelectorAll('.choices')].map((list) => [...list.querySelectorAll('button')]);
    const rows = lists.filter((list) => list.length);
    const stop = (/** @type {HTMLElement | undefined} */ wanted) =>
      rows.flat().forEach((one) => (one.tabIndex = one === wanted ? 0 : -1));
    stop(rows[0]?.[0]);
    body.addEventListener('keydown', (event) => {
      const from = targetOf(event).closest('button');
      const row = rows.findIndex((list) => list.some((one) => one === from));
      if (!from || row < 0 || modified(event)) return;
      const lengths = rows.map((list) => list.length);
      const to = moved(event.key, row, rows[row].indexOf(from), lengths);
      if (!to) return;
      event.preventDefault();
      const wanted = rows[to[0]][to[1]];
      stop(wanted);
      wanted.focus();
    });
  }

  /**
   * Scrolls the page until a character is above the sheet; at the end of the page there is room for that.
   * @param {Element} character
   */
  uncover(character) {
    document.body.style.paddingBottom = this.place.offsetHeight + 'px';
    const covered = character.getBoundingClientRect().bottom + GAP - this.place.getBoundingClientRect().top;
    if (covered > 0) window.scrollBy({ top: covered });
  }

  /**
   * @param {Row} row
   * @param {string} context
   * @param {string | undefined} actual
   */
  #row(row, context, actual) {
    const line = node('div', 'next-row');
    line.append(node('span', 'who ' + row.cell, row.title));
    const list = node('div', 'choices');
    if (row.error) list.append(node('span', 'note', row.error));
    row.candidates?.forEach(({ char, p }) => {
      const one = button('choice' + (char === actual ? ' actual' : ''), '', () => {
        this.close();
        this.branch(char, context + char);
      });
      one.append(node('b', '', visible(char)), node('i', '', percent(p)));
      one.style.setProperty('--p', String(p));
      list.append(one);
    });
    line.append(list);
    return line;
  }

  close() {
    if (this.place.hidden) return;
    this.hide();
    this.#returnTo?.focus({ preventScroll: true });
  }

  /** Hides the sheet without moving the focus, because its card, its text or its view is no longer shown. */
  hide() {
    this.place.hidden = true;
    document.body.style.paddingBottom = '';
  }
}
