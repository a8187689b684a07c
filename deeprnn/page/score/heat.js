// The text with a colour behind each character. A long text is one run of plain text, of which only the parts near the
// visible ones have an element for each character.
import { langOf, modified, node, pointed, targetOf } from '../shared/dom.js';

export const LEVELS = 12; // strengths of a colour
const PART = 200; // characters of a part
const MARGIN = '150px'; // parts nearer than this to the visible ones are drawn too

/**
 * A part of the text.
 * @typedef {object} Part
 * @property {HTMLElement} place
 * @property {number} start the index of its first character
 * @property {string[]} characters
 * @property {boolean} near whether it is near what is visible
 * @property {number} drawn the turn of its colours; 0: it is plain text
 */

/**
 * The strength and the sign of the colour of a number of nats, from -LEVELS to LEVELS.
 * @param {number} strength from -1 to 1
 */
export const level = (strength) => Math.max(-LEVELS, Math.min(LEVELS, Math.round(LEVELS * strength)));

/** @param {number} level */
const colour = (level) => (level === 0 ? '' : level > 0 ? `h${level}` : `h${-level} less`);

export class HeatMap {
  /** @type {Part[]} */
  #parts = [];
  /** @type {ArrayLike<number>} */
  #levels = [];
  /** @type {(index: number) => boolean} */
  #unknown = () => false;
  #turn = 0;
  #length = 0;
  #at = -1;

  /**
   * @param {string} label
   * @param {(index: number) => void} show
   */
  constructor(label, show) {
    this.element = node('div', 'heat');
    this.element.tabIndex = 0;
    this.element.setAttribute('role', 'group');
    this.element.setAttribute('aria-label', label);
    this.show = show;
    pointed(this.element, (event) => {
      const { index } = targetOf(event).dataset;
      if (index !== undefined) show(Number(index));
    });
    this.element.addEventListener('keydown', (event) => this.#step(event));
    this.watcher = new IntersectionObserver((seen) => this.#look(seen), { root: this.element, rootMargin: MARGIN });
  }

  /**
   * Shows a text, without colours.
   * @param {string[]} characters
   */
  write(characters) {
    this.watcher.disconnect();
    const lang = langOf(characters.join(''));
    [this.#at, this.#length, this.#parts] = [-1, characters.length, []];
    for (let start = 0; start < characters.length; start += PART) {
      const own = characters.slice(start, start + PART);
      const place = node('i', '', own.join(''));
      place.lang = lang; // not that of the whole, whose name is in the page's
      this.#parts.push({ place, start, characters: own, near: false, drawn: 0 });
    }
    this.element.replaceChildren(...this.#parts.map(({ place }) => place));
    this.#parts.forEach(({ place }) => this.watcher.observe(place));
  }

  /**
   * Shows other colours.
   * @param {ArrayLike<number>} levels of each character
   * @param {(index: number) => boolean} unknown
   */
  colour(levels, unknown) {
    [this.#levels, this.#unknown] = [levels, unknown];
    this.#turn += 1;
    this.#parts.filter(({ near }) => near).forEach((part) => this.#draw(part));
  }

  /** @param {IntersectionObserverEntry[]} seen */
  #look(seen) {
    const near = new Map(seen.map(({ target, isIntersecting }) => [target, isIntersecting]));
    for (const part of this.#parts) {
      part.near = near.get(part.place) ?? part.near;
      if (part.near) this.#draw(part);
    }
  }

  /** @param {Part} part */
  #draw(part) {
    if (part.drawn === this.#turn) return;
    if (!part.drawn) part.place.replaceChildren(...part.characters.map((one) => node('span', '', one)));
    part.characters.forEach((_, index) => {
      const span = /** @type {HTMLElement} */ (part.place.children[index]);
      const at = part.start + index;
      const looks = [colour(this.#levels[at]), this.#unknown(at) ? 'unknown' : '', at === this.#at ? 'at' : ''];
      const name = looks.filter(Boolean).join(' ');
      if (span.className !== name) span.className = name;
      if (!part.drawn) span.dataset.index = String(at);
    });
    part.drawn = this.#turn;
  }

  /** @param {KeyboardEvent} event */
  #step(event) {
    const to = { ArrowRight: this.#at + 1, ArrowLeft: this.#at - 1, Home: 0, End: this.#length - 1 }[event.key];
    if (to === undefined || modified(event)) return;
    event.preventDefault();
    this.#span(this.#at)?.classList.remove('at');
    this.#at = Math.max(0, Math.min(this.#length - 1, to));
    const span = this.#span(this.#at);
    span?.classList.add('at');
    span?.scrollIntoView({ block: 'nearest' });
    this.show(this.#at);
  }

  /** @param {number} index */
  #span(index) {
    const part = this.#parts[Math.floor(index / PART)];
    if (!part) return null;
    this.#draw(part);
    return part.place.children[index - part.start];
  }
}
