// Draws the stack unrolled in time, with the equation of the selected cell.
import { filled, node, segments, shape, sized } from '../shared/dom.js';

/** @typedef {'right' | 'residual' | 'wrong'} Wiring */
/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ layer: number, t: number }} Place */
/** @typedef {Record<Wiring | 'reads' | 'reads_first' | 'reads_wrong' | 'right_note' | 'residual_note' | 'wrong_note', string>} Labels */

const LAYERS = 3;
const ONE_STATE = 'H₀'; // the only state, in the classic mistake
/** @type {Wiring[]} */
const WIRINGS = ['right', 'residual', 'wrong'];

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
 * A symbol with its indices, such as H with a time below and a layer above.
 * @param {string} letter
 * @param {string | number} below
 * @param {string | number} above
 * @param {string} [className]
 */
function symbol(letter, below, above, className = '') {
  const made = node('span', 'symbol ' + className, letter);
  const marks = node('span', 'indices');
  marks.append(node('sup', '', above === '' ? '' : `(${above})`), node('sub', '', below));
  made.append(marks);
  return made;
}

/** @param {string} text */
const plain = (text) => node('span', '', text);
/**
 * @param {string} name
 * @param {string | number} layer
 */
const weight = (name, layer) => symbol('W', name, layer);

/**
 * The equation of the chosen wiring, with the indices of the selected cell.
 * @param {Wiring} wiring
 * @param {Place} touched
 */
function equation(wiring, { layer: l, t }) {
  const made = node('p', 'equation');
  const below = l === 1 ? () => symbol('X', t, '', 'below') : () => symbol('H', t, l - 1, 'below');
  const phi = 'φ( ';
  /**
   * @param {HTMLElement} before
   * @param {string | number} layer
   * @param {string} end
   */
  const rest = (before, layer, end) => [
    weight('xh', layer),
    plain(' + '),
    before,
    weight('hh', layer),
    plain(' + '),
    symbol('b', 'h', layer),
    plain(end),
  ];
  if (wiring === 'right') {
    made.append(symbol('H', t, l), plain(' = '), plain(phi), below());
    made.append(...rest(symbol('H', t - 1, l, 'before'), l, ' )'));
  } else if (wiring === 'residual') {
    made.append(symbol('S', t, l), plain(' = '), plain(phi + 'LayerNorm('), below(), plain(')'));
    made.append(...rest(symbol('S', t - 1, l, 'before'), l, ' ),  '));
    made.append(symbol('H', t, l), plain(' = '), below(), plain(' + '), symbol('S', t, l));
  } else {
    made.append(symbol('H', t, l), plain(' = '), plain(phi), below());
    made.append(...rest(symbol('H', 0, '', 'before'), '', ' ),  '));
    made.append(symbol('Y', t, ''), plain(' = '), symbol('H', 0, '', 'before'), weight('hq', ''));
    made.append(plain(' + '), symbol('b', 'q', ''));
  }
  return made;
}

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
const arrow = (d, className) => shape('path', { d, class: className, 'marker-end': 'url(#arrow)' });

/** The head of every arrow. */
function arrowHead() {
  const size = { viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6, markerHeight: 6 };
  const head = shape('marker', { id: 'arrow', ...size, orient: 'auto-start-reverse' });
  head.append(shape('path', { d: 'M0,0 L8,4 L0,8 z', fill: 'context-stroke' }));
  return head;
}

/** The picture of one wiring at a given width, with one selected cell. */
class Unrolled {
  /**
   * @param {number} wide in pixels
   * @param {Wiring} wiring
   * @param {Place} touched
   * @param {(place: Place) => void} touch
   */
  constructor(wide, wiring, touched, touch) {
    this.wide = wide;
    this.wiring = wiring;
    this.touched = touched;
    this.touch = touch;
    this.steps = stepsIn(wide);
    this.stride = (wide - 64) / this.steps;
    this.half = Math.min(27, this.stride / 3); // half the width of a box
    this.edges = shape('g', {});
    this.boxes = shape('g', {});
  }

  /**
   * Every cell and its edges; those of the selected cell are marked: solid blue from below, dashed orange from before.
   */
  draw() {
    const svg = shape('svg', { viewBox: `0 0 ${this.wide} 372`, class: 'unrolled', role: 'group' });
    for (let t = 1; t <= this.steps; t++) {
      const below = this.#isTouched(1, t) ? 'cell input below' : 'cell input';
      this.boxes.append(this.#box(0, t, named('X', 0, t), below));
      for (let layer = 1; layer <= LAYERS; layer++) this.#cell(layer, t);
      const top = this.#place(LAYERS, t);
      const attributes = { x: top.x, y: 14, 'text-anchor': 'middle', class: 'output' };
      this.boxes.append(shape('text', attributes, named('Y', 0, t)));
      if (this.wiring !== 'wrong') this.edges.append(edge({ x: top.x, y: top.y - 20 }, { x: top.x, y: 20 }, ''));
    }
    if (this.wiring === 'wrong') this.#oneState();
    else for (let layer = 1; layer <= LAYERS; layer++) this.#firstState(layer);
    svg.append(arrowHead(), this.edges, this.boxes);
    return svg;
  }

  /**
   * @param {number} layer
   * @param {number} t
   * @returns {Point}
   */
  #place(layer, t) {
    return { x: 32 + t * this.stride, y: 330 - layer * 84 };
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
    group.append(shape('rect', { x: at.x - this.half, y: at.y - 19, ...size }));
    group.append(shape('text', { x: at.x, y: at.y + 5, 'text-anchor': 'middle' }, text));
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
    const isBefore = this.wiring !== 'wrong' && this.#isTouched(layer, t + 1);
    const role = here ? 'here' : isBelow ? 'below' : isBefore ? 'before' : '';
    const name = named(stateOf(this.wiring), layer, t);
    const one = this.#box(layer, t, name, 'cell ' + role);
    one.setAttribute('tabindex', '0');
    one.setAttribute('role', 'button');
    one.setAttribute('aria-pressed', String(here));
    one.setAttribute('aria-label', name);
    if (this.wiring === 'residual' && here && layer > 1) {
      const at = this.#place(layer, t);
      const words = { x: at.x - 6, y: at.y + 47, 'text-anchor': 'end' };
      this.boxes.append(shape('text', words, named('H', layer - 1, t)));
    }
    this.#listen(one, { layer, t }, here);
    this.boxes.append(one);
  }

  /**
   * @param {SVGElement} one
   * @param {Place} place
   * @param {boolean} here
   */
  #listen(one, place, here) {
    one.addEventListener('click', () => this.touch(place));
    // Not pointerenter: if the picture is drawn again under a resting pointer, the keyboard's choice must stay.
    one.addEventListener('pointermove', (event) => {
      if (!here && (event.movementX || event.movementY)) this.touch(place);
    });
    one.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      this.touch(place);
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
    if (wiring !== 'wrong') {
      edges.append(edge({ x: left.x + half + 1, y: left.y }, { x: at.x - half - 2, y: at.y }, before));
    } else if (here) {
      const one = this.#place(2, 0);
      const aside = this.stride / 2; // the middle between two boxes
      /** @type {[number, number][]} */
      const corners = [
        [one.x + half + 1, one.y],
        [one.x + aside, one.y],
        [one.x + aside, at.y + 42],
        [at.x - aside, at.y + 42],
        [at.x - aside, at.y],
        [at.x - half - 2, at.y],
      ];
      edges.append(around(corners, 'before'));
    }
  }

  /** The one state that all layers read, and from which all outputs are computed. */
  #oneState() {
    const one = this.#place(2, 0);
    this.boxes.append(this.#box(2, 0, ONE_STATE, 'cell input before'));
    for (let t = 1; t <= this.steps; t++) {
      const { x } = this.#place(LAYERS, t);
      /** @type {[number, number][]} */
      const corners = [
        [one.x, one.y - 20],
        [one.x, 38],
        [x, 38],
        [x, 20],
      ];
      this.edges.append(around(corners, 'output-edge'));
    }
  }

  /** @param {number} layer */
  #firstState(layer) {
    const before = this.#isTouched(layer, 1) ? 'cell input before' : 'cell input';
    this.boxes.append(this.#box(layer, 0, named(stateOf(this.wiring), layer, 0), before));
  }
}

/** @param {number} wide */
const stepsIn = (wide) => (wide < 480 ? 3 : 4);

/** @param {Wiring} wiring */
const stateOf = (wiring) => (wiring === 'residual' ? 'S' : 'H');

/**
 * What the selected cell reads, in words.
 * @param {Wiring} wiring
 * @param {Place} touched
 * @param {Labels} labels
 */
function reads(wiring, { layer, t }, labels) {
  const isWrong = wiring === 'wrong';
  const sentence = isWrong ? labels.reads_wrong : t === 1 ? labels.reads_first : labels.reads;
  const before = isWrong ? ONE_STATE : named(stateOf(wiring), layer, t - 1);
  const below = layer === 1 ? named('X', 0, t) : named('H', layer - 1, t);
  return filled(sentence, { cell: named(stateOf(wiring), layer, t), before, below });
}

/**
 * The reader's choice, which is kept as long as the board.
 * @typedef {{ wiring: Wiring, touched: Place }} Choice
 */

/**
 * The picture with the choice of a wiring, the equation, and a description.
 * @param {Choice} choice
 * @param {Labels} labels
 */
export function stackPicture(choice, labels) {
  const made = node('div', 'figure stack-picture');
  return sized(made, (width, again) => {
    const wide = Math.min(width, 720);
    choice.touched.t = Math.min(choice.touched.t, stepsIn(wide));
    const { wiring, touched } = choice;
    const redraw = (/** @type {Partial<Choice>} */ chosen) => {
      Object.assign(choice, chosen);
      const focused = made.contains(document.activeElement);
      again();
      const here = /** @type {SVGElement | null} */ (made.querySelector('.here'));
      if (focused) here?.focus();
    };
    const said = node('p', 'explain', reads(wiring, touched, labels));
    said.setAttribute('aria-live', 'polite');
    const entries = WIRINGS.map((one) => /** @type {[Wiring, string]} */ ([one, labels[one]]));
    return [
      segments(entries, wiring, (picked) => redraw({ wiring: picked })),
      equation(wiring, touched),
      new Unrolled(wide, wiring, touched, (place) => redraw({ touched: place })).draw(),
      said,
      node('p', '', labels[`${wiring}_note`]),
    ];
  });
}
