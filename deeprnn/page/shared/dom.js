// Functions that all scripts draw with. They put text into the page only through textContent.
const SVG = 'http://www.w3.org/2000/svg';

/**
 * The objects that gradio gives to the script of a board.
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
 * The language of the page.
 * @returns {'en' | 'zh'}
 */
export const language = () => (document.documentElement.dataset.language === 'zh' ? 'zh' : 'en');

/**
 * A value in the language of the page; where the languages differ, the value has both (see `in_both` in words.py).
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
 * Draws `root` again when the language of the page changes. Some pictures are drawn a moment later; until then, `root`
 * keeps its height, so that the page does not scroll.
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
 * The value to be drawn, read from its text (see `Drawing` in components.py). If the text has only grown, only the new
 * part is read.
 * @template {object} T
 */
export class Carried {
  /** The text that was read last. */
  text = '';
  /** The value in the language of the page, with that language and its labels. @type {T | null} */
  value = null;
  /** The value in both languages. @type {any} */
  #both = null;
  /** The language of `value`. */
  #lang = '';
  /** What was added to its cards since the last call of `news`; null: the value is another one.
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
   * The present value in the language of the page.
   * @returns {T}
   */
  given() {
    const text = this.props.value || '';
    if (text !== this.text) this.#read(text);
    if (this.#lang !== language()) this.#speak();
    return /** @type {T} */ (this.value);
  }

  /** How the text that is given begins, if it is of another value than the one that was read last; else null. */
  begun() {
    const text = this.props.value || '';
    return text && !this.continues(text) ? JSON.parse(text.split('\n', 1)[0]) : null;
  }

  /** Gives again what was read last, in place of a value that came late. */
  keep() {
    this.props.value = this.text;
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

  /** Sets the value in the language of the page; `news` then reports another value. */
  #speak() {
    this.#translate();
    this.#added = null;
  }

  #translate() {
    this.#lang = language();
    this.value = this.#both && { ...spoken(this.#both), labels: spoken(this.labels), lang: this.#lang };
  }

  /** @param {(string | object)[]} pieces for each card, the text to be added, or the whole card */
  #add(pieces) {
    const { cards } = /** @type {{ cards: any[] }} */ (this.value);
    pieces.forEach((more, index) => {
      if (more === '') return;
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
   * Whether a text begins with the one that was read last, or is equal to it.
   * @param {string} text
   */
  continues(text) {
    return this.text !== '' && text.startsWith(this.text);
  }

  /** What was added since the last call, one list for each line; null: the value is another one, to be drawn whole. */
  news() {
    this.given();
    const found = this.#added;
    this.#added = [];
    return found;
  }

  /**
   * Changes the value that is drawn.
   * @param {(both: any) => void} change gets the value in both languages
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
 * The first element that matches a selector; it must exist.
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
 * The names of models in an address, separated by commas; a comma inside a name is written as %2C.
 * @param {string[]} names
 */
export function listed(names) {
  return names.map((name) => name.replace(/[%,]/g, encodeURIComponent)).join(',');
}

/**
 * A row of buttons, of which one is pressed.
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
 * Draws a place anew; the control in it that has the focus keeps it.
 * @param {Element} place
 * @param {() => void} draw
 */
export function keepFocus(place, draw) {
  const controls = () => [...place.querySelectorAll('button, select, summary')];
  const focused = controls().findIndex((one) => one === document.activeElement);
  draw();
  /** @type {HTMLElement | undefined} */ (controls()[focused])?.focus({ preventScroll: true });
}

/**
 * Scrolls to a section and gives its heading the focus, as a browser goes on from the place to which a link leads.
 * @param {HTMLElement} section
 */
export function arriveAt(section) {
  section.scrollIntoView();
  if (!document.activeElement?.closest('.views')) take(find(section, 'h2')); // the links to the views keep it
}

/**
 * Gives the focus to a place that is no control, without scrolling.
 * @param {HTMLElement} place
 */
export function take(place) {
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
}

/**
 * A line that only screen readers read, whenever it changes: what happened in a view. What is said `again` is read though
 * it is what was said last.
 * @param {HTMLElement} place what is added to it stays, whatever is drawn beside it
 * @returns {(said: string, again?: boolean) => void}
 */
export function announcer(place) {
  const line = node('p', 'heard');
  line.setAttribute('role', 'status');
  place.append(line);
  return (said, again = false) => setText(line, again && line.textContent === said ? said + '\u00a0' : said);
}

/**
 * Sets a text if it differs, so that a live region is not read again.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * HTML's code of the language of a text: of the two that the page's texts are written in.
 * @param {string} text
 */
export const langOf = (text) => (/\p{Script=Han}/u.test(text) ? 'zh-CN' : 'en');

/**
 * Makes an element no control any more: takes away what it was named and told as.
 * @param {Element} element
 */
export function noControl(element) {
  const own = [...element.attributes].filter(({ name }) => /^(role|tabindex|aria-.*)$/.test(name));
  own.forEach(({ name }) => element.removeAttribute(name));
}

/**
 * Whether a key is pressed for an input method, such as the Escape that leaves a Chinese word; Safari says so by a code.
 * @param {KeyboardEvent} event
 */
export function composes(event) {
  return event.isComposing || event.keyCode === 229;
}

/**
 * Whether a key is pressed with another, so that it is the browser's: Alt and the left arrow go back.
 * @param {KeyboardEvent} event
 */
export function modified(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * Calls `go` with the number of places by which the arrow keys, Home and End move along a chart.
 * @param {HTMLElement | SVGElement} control
 * @param {(by: number) => void} go
 */
export function walked(control, go) {
  const listened = /** @type {HTMLElement} */ (control);
  listened.addEventListener('keydown', (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!by || modified(event)) return;
    event.preventDefault();
    go(by);
  });
}

/**
 * What a function of the server answers, or why it did not: gradio then returns nothing, or the promise fails.
 * @param {Promise<any>} asked
 * @param {any} failed in both languages
 */
export const answered = async (asked, failed) => (await asked.catch(() => null)) ?? { error: failed };

/**
 * A table that scrolls sideways if it is too wide; the first cell of each row is its header.
 * @param {string[]} columns
 * @param {string[][]} rows
 * @param {(line: HTMLElement, index: number) => void} dress adds classes or styles to a row
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
 * The target of an event.
 * @param {Event} event
 */
export const targetOf = (event) => /** @type {HTMLElement | SVGElement} */ (event.target);

/**
 * Calls `read` for the place under a mouse or a finger. A finger is not captured by the element that it touched first,
 * so `read` gets the element under it while it moves.
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
 * The dashes of a line, so that lines differ in more than their colour.
 * @param {number} index
 */
export const dash = (index) => ['none', '7 3', '2 3', '10 3 2 3', '4 2', '1 2', '12 4', '6 2 2 2'][index % 8];

/**
 * The space between two sentences, or after a label, in a language.
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
 * A character, or a visible sign for a space or a line break.
 * @param {string} character
 */
export const visible = (character) => ({ '\n': '↵', ' ': '␣' })[character] || character;

/**
 * A probability in percent, with as many digits as it is worth.
 * @param {number} p
 */
export const percent = (p) => (p < 0.00005 ? '< 0.01%' : (100 * p).toFixed(p >= 0.0995 ? 0 : p >= 0.001 ? 1 : 2) + '%');

/**
 * The strength of a colour: 0 for 0 nats; 1 for 6 nats, a probability of one in 400.
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
  setTimeout(() => URL.revokeObjectURL(link.href), 40_000); // iOS asks first, and reads the file after the answer
}

/**
 * Scrolls to an element, at once where the reader wants little motion.
 * @param {Element | null} element
 */
export function glideTo(element) {
  const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
  element?.scrollIntoView({ behavior: isStill ? 'auto' : 'smooth' });
}

/**
 * Does something as soon as an element is seen: at once, or when its view is opened.
 * @param {HTMLElement} element
 * @param {() => void} act
 */
export function whenSeen(element, act) {
  new ResizeObserver((_, observer) => {
    if (!element.offsetHeight) return;
    observer.disconnect();
    requestAnimationFrame(act); // after what is above it is drawn
  }).observe(element);
}

/** The labels of buttons that show that they have copied, and when these come back. @type {WeakMap<HTMLElement, [string, number]>} */
const copying = new WeakMap();

/**
 * Copies a text and shows `done` on the button for two seconds. Without permission for the clipboard (http, a frame), the
 * text is selected and copied by a command; if that fails too, a dialog shows the text to the reader.
 * @param {string} text
 * @param {HTMLElement} pressed
 * @param {string} done
 */
export async function copy(text, pressed, done) {
  const [label, timer] = copying.get(pressed) ?? [pressed.textContent ?? '', 0];
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = node('textarea');
    box.value = text;
    document.body.append(box);
    box.select();
    const copied = document.execCommand('copy');
    box.remove();
    pressed.focus({ preventScroll: true });
    if (!copied) {
      window.prompt(label, text);
      return;
    }
  }
  clearTimeout(timer);
  pressed.textContent = done;
  const back = () => {
    copying.delete(pressed);
    pressed.textContent = label;
  };
  copying.set(pressed, [label, window.setTimeout(back, 2000)]);
}
