// Draws a stack unrolled in time: its cells, its states, and what each cell reads.
import { shape } from '../shared/dom.js';

/** @typedef {import('./equation.js').Wiring} Wiring */
/** @typedef {import('./equation.js').Place} Place */
/** @typedef {{ x: number, y: number }} Point */
/** @typedef {Record<'same' | 'lost' | 'one_state', string>} Labels */

export const ONE_STATE = 'H₀'; // the only state, in the classic mistake
const [RISE, RISE_WRONG] = [84, 70]; // pixels from one layer to the next
const BAR = { top: 44, height: 32 }; // the one state, which all cells read
let count = 0; // of the pictures, whose arrows need names

/** @param {number} digits */
const above = (digits) => `⁽${Array.from(String(digits), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')}⁾`;
/** @param {number} digits */
const under = (digits) => Array.from(String(digits), (digit) => '₀₁₂₃₄₅₆₇₈₉'[Number(digit)]).join('');

/**
 * A symbol in plain text, such as H₂⁽¹⁾.
 * @param {string} letter
 * @param {number} layer 0 for none
 * @param {number} t
 */
export const named = (letter, layer, t) => `${letter}${under(t)}${layer ? above(layer) : ''}`;

/**
 * @param {Point} from
 * @param {Point} to
 * @param {string} className
 * @param {number} [bend]
 */
function edge(from, to, className, bend = 0) {
  const middle = { x: (from.x + to.x) / 2 + bend, y: (from.y + to.y) / 2 };
  return arrow(`M${from.x},${from.y} Q${middle.x},${middle.y} ${to.x},${to.y}`, 'edge ' + className);
}

/**
 * An edge that runs between the cells, not behind them, so that it looks like one arrow.
 * @param {[number, number][]} corners
 * @param {string} className
 */
const around = (corners, className) =>
  arrow('M' + corners.map((corner) => corner.join(',')).join(' L'), 'edge ' + className);

/**
 * @param {string} d
 * @param {string} className
 */
const arrow = (d, className) => shape('path', { d, class: 'arrow ' + className });

/**
 * The head of the arrows of one picture.
 * @param {string} id
 */
function arrowHead(id) {
  const size = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6, markerHeight: 6 };
  const head = shape('marker', { id, ...size, orient: 'auto-start-reverse' });
  head.append(shape('path', { d: 'M0,0 L8,4 L0,8 z', fill: 'context-stroke' }));
  return head;
}

/**
 * The picture of one wiring at a given width, with one selected cell.
 */
export class Unrolled {
  /**
   * @param {number} wide in pixels
   * @param {number} layers
   * @param {Wiring} wiring
   * @param {Place} touched
   * @param {Labels} labels
   * @param {((place: Place) => void) | null} touch null: no cell can be chosen
   */
  constructor(wide, layers, wiring, touched, labels, touch) {
    this.wide = wide;
    this.layers = layers;
    this.wiring = wiring;
    this.touched = touched;
    this.labels = labels;
    this.touch = touch;
    this.isWrong = wiring === 'wrong';
    this.tall = this.isWrong ? 192 + RISE_WRONG * layers : 120 + RISE * layers;
    this.steps = stepsIn(wide);
    this.stride = (wide - 64) / this.steps;
    this.half = Math.min(27, this.stride / 3); // half the width of a box
    this.head = `arrow-${++count}`;
    this.edges = shape('g', {});
    this.boxes = shape('g', {});
  }

  /**
   * Every cell and its edges; those of the selected cell are marked: solid blue from below, dashed orange from before.
   */
  draw() {
    const svg = shape('svg', { viewBox: `0 0 ${this.wide} ${this.tall}`, class: 'unrolled', role: 'group' });
    for (let t = 1; t <= this.steps; t++) {
      const below = this.#isTouched(1, t) ? 'cell input below' : 'cell input';
      this.boxes.append(this.#box(0, t, named('X', 0, t), below));
      for (let layer = 1; layer <= this.layers; layer++) this.#cell(layer, t);
      const top = this.#place(this.layers, t);
      this.boxes.append(this.#text(top.x, 14, named('Y', 0, t), 'output'));
      const from = this.isWrong ? BAR.top : top.y - 20;
      this.edges.append(edge({ x: top.x, y: from }, { x: top.x, y: 20 }, ''));
      if (this.isWrong) this.#lose(top);
    }
    if (this.isWrong) this.#oneState();
    else for (let layer = 1; layer <= this.layers; layer++) this.#firstState(layer);
    const arrows = this.edges.querySelectorAll('.arrow');
    arrows.forEach((one) => one.setAttribute('marker-end', `url(#${this.head})`));
    svg.append(arrowHead(this.head), this.edges, this.boxes);
    return svg;
  }

  /**
   * @param {number} layer
   * @param {number} t
   * @returns {Point}
   */
  #place(layer, t) {
    const rise = this.isWrong ? RISE_WRONG : RISE;
    return { x: 32 + t * this.stride, y: this.tall - 42 - layer * rise };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {string} text
   * @param {string} className
   */
  #text(x, y, text, className) {
    return shape('text', { x, y, 'text-anchor': 'middle', class: className }, text);
  }

  /**
   * @param {number} layer
   * @param {number} t
   */
  #isTouched(layer, t) {
    return this.touched.layer === layer && this.touched.t === t;
  }

  /**
   * @param {number} layer
   * @param {number} t
   * @param {string} text
   * @param {string} className
   */
  #box(layer, t, text, className) {
    const at = this.#place(layer, t);
    const size = { width: 2 * this.half, height: 38, rx: 9 };
    const group = shape('g', { class: className });
    group.append(shape('rect', { x: at.x - this.half, y: at.y - 19, ...size }), this.#text(at.x, at.y + 5, text, ''));
    return group;
  }

  /**
   * @param {number} layer
   * @param {number} t
   */
  #cell(layer, t) {
    const here = this.#isTouched(layer, t);
    this.#edgesTo(layer, t, here);
    const isBelow = this.#isTouched(layer + 1, t);
    const isBefore = !this.isWrong && this.#isTouched(layer, t + 1);
    const role = here ? 'here' : isBelow ? 'below' : isBefore ? 'before' : '';
    const name = named(stateOf(this.wiring), layer, t);
    const one = this.#box(layer, t, name, 'cell ' + role);
    if (this.wiring === 'residual' && here && layer > 1) {
      const at = this.#place(layer, t);
      const words = { x: at.x - 6, y: at.y + 47, 'text-anchor': 'end' };
      this.boxes.append(shape('text', words, named('H', layer - 1, t)));
    }
    if (this.touch) this.#listen(one, { layer, t }, name, here, this.touch);
    this.boxes.append(one);
  }

  /**
   * @param {SVGElement} one
   * @param {Place} place
   * @param {string} name
   * @param {boolean} here
   * @param {(place: Place) => void} touch
   */
  #listen(one, place, name, here, touch) {
    const named = { tabindex: '0', role: 'button', 'aria-pressed': String(here), 'aria-label': name };
    Object.entries(named).forEach(([key, value]) => one.setAttribute(key, value));
    one.addEventListener('click', () => touch(place));
    // Not pointerenter: if the picture is drawn again under a resting pointer, the keyboard's choice must stay.
    one.addEventListener('pointermove', (event) => {
      if (!here && (event.movementX || event.movementY)) touch(place);
    });
    one.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      touch(place);
    });
  }

  /**
   * The edges to a cell from what it reads, below and before.
   * @param {number} layer
   * @param {number} t
   * @param {boolean} here
   */
  #edgesTo(layer, t, here) {
    const { edges, half, wiring } = this;
    const at = this.#place(layer, t);
    const from = this.#place(layer - 1, t);
    const left = this.#place(layer, t - 1);
    const [below, before] = here ? ['below', 'before'] : ['', ''];
    edges.append(edge({ x: from.x, y: from.y - 20 }, { x: at.x, y: at.y + 21 }, below));
    if (wiring === 'residual') {
      const side = half - 3;
      const ends = [
        { x: from.x + side, y: from.y - 20 },
        { x: at.x + side, y: at.y + 21 },
      ];
      edges.append(edge(ends[0], ends[1], 'skip ' + below, 26));
    }
    if (!this.isWrong) {
      edges.append(edge({ x: left.x + half + 1, y: left.y }, { x: at.x - half - 2, y: at.y }, before));
    } else {
      const aside = at.x - (half + this.stride / 2) / 2; // between two boxes
      /** @type {[number, number][]} */
      const corners = [
        [aside, BAR.top + BAR.height],
        [aside, at.y],
        [at.x - half - 2, at.y],
      ];
      edges.append(around(corners, before));
    }
  }

  /**
   * What the top layer computes goes nowhere.
   * @param {Point} top
   */
  #lose(top) {
    const end = top.y - 36;
    this.edges.append(shape('path', { d: `M${top.x},${top.y - 20} V${end}`, class: 'edge' }));
    const cross = `M${top.x - 5},${end - 5} l10,10 m0,-10 l-10,10`;
    this.boxes.append(shape('path', { d: cross, class: 'lost' }));
  }

  /** The one state that all cells read, and from which all outputs are computed; nothing is written into it. */
  #oneState() {
    const group = shape('g', { class: 'cell input before' });
    const [left, right] = [this.#place(0, 1).x - this.half - 18, this.#place(0, this.steps).x + this.half];
    const size = { x: left, y: BAR.top, width: right - left, height: BAR.height, rx: 9 };
    group.append(shape('rect', size), this.#text((left + right) / 2, BAR.top + 21, this.labels.one_state, ''));
    this.boxes.append(group, this.#text(32, this.#place(this.layers, 0).y - 32, this.labels.lost, 'aside'));
    for (let layer = 1; layer <= this.layers; layer++) {
      this.boxes.append(this.#text(32, this.#place(layer, 0).y + 5, this.labels.same, 'aside'));
    }
  }

  /** @param {number} layer */
  #firstState(layer) {
    const before = this.#isTouched(layer, 1) ? 'cell input before' : 'cell input';
    this.boxes.append(this.#box(layer, 0, named(stateOf(this.wiring), layer, 0), before));
  }
}

/** @param {number} wide */
export const stepsIn = (wide) => (wide < 480 ? 3 : 4);

/** @param {Wiring} wiring */
export const stateOf = (wiring) => (wiring === 'residual' ? 'S' : 'H');
