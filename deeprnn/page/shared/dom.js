// What every drawing of the page is made with. Text only ever enters the page through textContent.
const SVG = 'http://www.w3.org/2000/svg';

/**
 * What gradio gives to the script of a board.
 * @typedef {object} Board
 * @property {HTMLElement} element
 * @property {{ value: string }} props
 * @property {any} labels in both languages
 * @property {Record<string, (ask: object) => Promise<any>>} server functions of the view
 * @property {(event: string, detail?: object) => void} trigger
 * @property {(prop: string, changed: () => void) => void} watch
 */

/** @typedef {string | number | boolean} Attribute */

/**
 * The language that the page is in.
 * @returns {'en' | 'zh'}
 */
export const language = () => (document.documentElement.dataset.language === 'zh' ? 'zh' : 'en');

/**
 * What a value says in the language of the page: where its languages differ it has both (see `in_both` in words.py).
 * @param {any} value
 * @returns {any}
 */
export function spoken(value) {
  if (Array.isArray(value)) return value.map(spoken);
  if (typeof value !== 'object' || value === null) return value;
  if ('en' in value && 'zh' in value) return value[language()];
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, spoken(one)]));
}

/**
 * Draws again what is in `root` when the page is in another language. Some pictures follow a moment later: until then the
 * page keeps its height, and so its place.
 * @param {HTMLElement} root
 * @param {() => void} draw
 */
export function onLanguage(root, draw) {
  document.addEventListener('language', () => {
    root.style.minHeight = root.offsetHeight + 'px';
    draw();
    requestAnimationFrame(() => requestAnimationFrame(() => (root.style.minHeight = '')));
  });
}

/**
 * The value to be drawn, out of the text that carries it (see `Drawing` in components.py). A text that has only grown is
 * read from where it ended before.
 * @template {object} T
 */
export class Carried {
  /** The text that was read. */
  text = '';
  /** What it says in the language of the page, with that language and the labels in it. @type {T | null} */
  value = null;
  /** The same in both languages. @type {any} */
  #both = null;
  /** The language of `value`. */
  #lang = '';
  /** What was added to its cards since `news` was last asked for; null: it is another value.
   * @type {(string | object)[][] | null} */
  #added = null;

  /**
   * @param {Board['props']} props where the text is
   * @param {Board['labels']} labels
   */
  constructor(props, labels) {
    this.props = props;
    this.labels = labels;
  }

  /**
   * The value as it is now.
   * @returns {T}
   */
  given() {
    const text = this.props.value || '';
    if (text !== this.text) this.#read(text);
    if (this.#lang !== language()) this.#speak();
    return /** @type {T} */ (this.value);
  }

  /** @param {string} text */
  #read(text) {
    const grown = this.continues(text);
    if (!grown) this.#both = this.value = null;
    for (const line of (grown ? text.slice(this.text.length) : text).split('\n')) {
      const one = line && JSON.parse(line);
      if (Array.isArray(one)) this.#add(one);
      else if (one) {
        this.#both = one;
        this.#speak();
      }
    }
    this.text = text;
  }

  /** From here on it is another value. */
  #speak() {
    this.#translate();
    this.#added = null;
  }

  #translate() {
    this.#lang = language();
    this.value = this.#both && { ...spoken(this.#both), labels: spoken(this.labels), lang: this.#lang };
  }

  /** @param {(string | object)[]} pieces of each card's text, or a card in its place */
  #add(pieces) {
    const { cards } = /** @type {{ cards: any[] }} */ (this.value);
    pieces.forEach((more, index) => {
      if (typeof more === 'string') {
        this.#both.cards[index].text += more;
        cards[index].text += more;
      } else {
        this.#both.cards[index] = more;
        cards[index] = spoken(more);
      }
    });
    if (this.#added) this.#added.push(pieces);
  }

  /**
   * Whether a text is what was read, or begins with it.
   * @param {string} text
   */
  continues(text) {
    return this.text !== '' && text.startsWith(this.text);
  }

  /** What was added since the last time, a list a line; null: it is another value, to be drawn whole. */
  news() {
    this.given();
    const found = this.#added;
    this.#added = [];
    return found;
  }

  /**
   * Change the value of what is drawn.
   * @param {(both: any) => void} change is given what it says in both languages
   */
  change(change) {
    change(this.#both);
    this.#translate();
    this.text = this.props.value = JSON.stringify(this.#both);
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string | number} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = String(text);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {string | number} [text]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  if (text !== undefined) made.textContent = String(text);
  return made;
}

/**
 * The element of that selector, which is there.
 * @param {ParentNode} within
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(within, selector) {
  const found = within.querySelector(selector);
  if (!found) throw new Error(`nothing is ${selector}`);
  return /** @type {HTMLElement} */ (found);
}

/**
 * @param {string} className
 * @param {string} text
 * @param {(event: MouseEvent) => void} press
 */
export function button(className, text, press) {
  const made = node('button', className, text);
  made.type = 'button';
  made.addEventListener('click', press);
  return made;
}

/**
 * Models as an address lists them: commas stand between names, so that one inside a name is written as %2C.
 * @param {string[]} names
 */
export function listed(names) {
  return names.map((name) => name.replace(/[%,]/g, encodeURIComponent)).join(',');
}

/**
 * One of several, pressed.
 * @template T
 * @param {[T, string][]} entries
 * @param {T | null} chosen
 * @param {(value: T) => void} choose
 */
export function segments(entries, chosen, choose) {
  const made = node('div', 'segments');
  entries.forEach(([value, text]) => {
    const one = button(value === chosen ? 'on' : '', text, () => choose(value));
    one.setAttribute('aria-pressed', String(value === chosen));
    made.append(one);
  });
  return made;
}

/**
 * A table that scrolls sideways where it must; the first cell of a row names it.
 * @param {string[]} columns
 * @param {string[][]} rows
 * @param {(line: HTMLElement, index: number) => void} dress adds a row's looks
 */
export function tableOf(columns, rows, dress = () => {}) {
  const made = node('table', 'scores');
  const head = node('thead');
  const body = node('tbody');
  head.append(rowOf(columns, 'col'));
  rows.forEach((cells, index) => {
    const row = rowOf(cells, 'row');
    dress(row, index);
    body.append(row);
  });
  made.append(head, body);
  const frame = node('div', 'scroll');
  frame.tabIndex = 0;
  frame.append(made);
  return frame;
}

/**
 * @param {string[]} cells
 * @param {'col' | 'row'} scope
 */
function rowOf(cells, scope) {
  const row = node('tr');
  cells.forEach((text, index) => {
    const heading = scope === 'col' || index === 0;
    const cell = node(heading ? 'th' : 'td', '', text);
    if (heading) cell.setAttribute('scope', scope);
    row.append(cell);
  });
  return row;
}

/**
 * Draws into `made` at the width that it has, and again when that changes: the units of a picture are the screen's pixels,
 * so its words keep their size. In a tab that is not open it waits.
 * @template {HTMLElement} Made
 * @param {Made} made
 * @param {(width: number, again: () => void) => Element[]} draw gives what is drawn
 */
export function sized(made, draw) {
  const ruler = node('div'); // as wide as what is drawn, but no part of its height
  const place = node('div');
  let width = 0;
  const again = () => place.replaceChildren(...draw(width, again));
  new ResizeObserver(() => {
    if (!ruler.clientWidth || ruler.clientWidth === width) return;
    width = ruler.clientWidth;
    again();
  }).observe(ruler);
  made.append(ruler, place);
  return made;
}

/**
 * What an event happened to.
 * @param {Event} event
 */
export const targetOf = (event) => /** @type {HTMLElement | SVGElement} */ (event.target);

/**
 * Reads what is under a mouse or a finger. A finger's touch moves nothing, and holds on to where it came down.
 * @param {HTMLElement | SVGElement} place
 * @param {(event: PointerEvent) => void} read
 */
export function pointed(place, read) {
  const listened = /** @type {HTMLElement} */ (place);
  listened.addEventListener('pointerdown', (event) => {
    const target = targetOf(event);
    if (target.hasPointerCapture(event.pointerId)) target.releasePointerCapture(event.pointerId);
    read(event);
  });
  listened.addEventListener('pointermove', read);
}

/**
 * Lines are told apart by more than their colour.
 * @param {number} index
 */
export const dash = (index) => ['none', '7 3', '2 3', '10 3 2 3', '4 2', '1 2', '12 4', '6 2 2 2'][index % 8];

/**
 * What stands between two sentences, or after a label, of a language.
 * @param {string} lang
 */
export const between = (lang) => (lang === 'zh' ? '' : ' ');

/**
 * A label with its {places} filled in.
 * @param {string} label
 * @param {Record<string, string | number>} places
 */
export const filled = (label, places) =>
  Object.entries(places).reduce((text, [name, value]) => text.replace(`{${name}}`, () => String(value)), label);

/**
 * Unprinted characters, to be seen.
 * @param {string} character
 */
export const visible = (character) => ({ '\n': '↵', ' ': '␣' })[character] || character;

/**
 * 0 nats is white; 6 nats, one in 400, is full colour.
 * @param {number} nats
 */
export const strength = (nats) => Math.min(nats / 6, 1);

/**
 * Saves a file on the reader's machine.
 * @param {string} name
 * @param {string} mime
 * @param {BlobPart} content
 */
export function save(name, mime, content) {
  const link = node('a');
  link.href = URL.createObjectURL(new Blob([content], { type: mime }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Copies a text and says so on the button for two seconds. Without the right to the clipboard (http, a frame) the text
 * is selected and copied as by hand; where that fails too, the reader copies it out of a box.
 * @param {string} text
 * @param {HTMLElement} pressed
 * @param {string} done
 */
export async function copy(text, pressed, done) {
  const label = pressed.textContent ?? '';
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = node('textarea');
    box.value = text;
    document.body.append(box);
    box.select();
    const copied = document.execCommand('copy');
    box.remove();
    if (!copied) {
      window.prompt(label, text);
      return;
    }
  }
  pressed.textContent = done;
  setTimeout(() => (pressed.textContent = label), 2000);
}
