// Draws the stack with the equation of the selected cell, and a right and a wrong one beside each other.
import { announcer, filled, keepFocus, node, segments } from '../shared/dom.js';
import { sized } from '../shared/sized.js';
import { equation } from './equation.js';
import { ONE_STATE, Unrolled, named, stateOf, stepsIn } from './unrolled.js';

/** @typedef {import('./equation.js').Wiring} Wiring */
/** @typedef {import('./equation.js').Place} Place */
/** @typedef {Record<Wiring | 'reads' | 'reads_first' | 'reads_wrong' | 'right_note' | 'residual_note' | 'wrong_note', string> & import('./unrolled.js').Labels} Labels */

const LAYERS = 3;
/** @type {Wiring[]} */
const WIRINGS = ['right', 'residual', 'wrong'];

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
  const frame = node('div');
  const made = node('div', 'figure stack-picture');
  const announce = announcer(frame);
  frame.append(made);
  sized(made, (width, again) => {
    const wide = Math.min(width, 720);
    choice.touched.t = Math.min(choice.touched.t, stepsIn(wide));
    const { wiring, touched } = choice;
    const redraw = (/** @type {Partial<Choice>} */ chosen) => {
      Object.assign(choice, chosen);
      const inPicture = made.contains(document.activeElement) && document.activeElement?.closest('.cell');
      keepFocus(made, again);
      const here = /** @type {SVGElement | null} */ (made.querySelector('.here'));
      if (inPicture) here?.focus({ preventScroll: true });
      announce(reads(choice.wiring, choice.touched, labels));
    };
    const entries = WIRINGS.map((one) => /** @type {[Wiring, string]} */ ([one, labels[one]]));
    return [
      segments(entries, wiring, (picked) => redraw({ wiring: picked })),
      equation(wiring, touched),
      new Unrolled(wide, LAYERS, wiring, touched, labels, (place) => redraw({ touched: place })).draw(),
      node('p', 'explain', reads(wiring, touched, labels)),
      node('p', '', labels[`${wiring}_note`]),
    ];
  });
  return frame;
}

/**
 * Two layers done right, and those of the classic mistake, as pictures that cannot be touched.
 * @param {string[]} titles
 * @param {Labels} labels
 */
export function pair(titles, labels) {
  const made = node('div', 'pair');
  /** @type {Wiring[]} */
  const wirings = ['right', 'wrong'];
  const touched = { layer: 2, t: 2 };
  wirings.forEach((wiring, index) => {
    const one = node('div', 'figure');
    one.append(node('h4', '', titles[index]));
    const draw = (/** @type {number} */ width) => {
      const picture = new Unrolled(Math.min(width, 560), 2, wiring, touched, labels, null).draw();
      picture.setAttribute('role', 'img');
      picture.setAttribute('aria-label', labels[`${wiring}_note`]);
      return [picture, equation(wiring, touched)];
    };
    made.append(sized(one, draw));
  });
  return made;
}
