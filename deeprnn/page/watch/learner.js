// Draws a model's card: what it wrote at a moment, its figures then, and its story.
import { counted, digits, mark } from '../shared/charts.js';
import { button, filled, langOf, node, shape, visible } from '../shared/dom.js';
import { KINDS, latest, pieces, shareOf } from './timeline.js';

/** @typedef {import('./timeline.js').Learner} Learner */
/** @typedef {import('./timeline.js').Axis} Axis */
/** @typedef {import('./timeline.js').Kind} Kind */
/** @typedef {Record<string, string>} Labels */

/**
 * A card, and the function that shows a moment on it.
 * @param {Learner} one
 * @param {{ colour: string, index: number }} looks of its lines in the chart
 * @param {Labels} labels
 * @param {() => void} goBest goes to its best moment on held-out text
 */
export function cardOf(one, { colour, index }, labels, goBest) {
  const card = node('article', 'learner');
  card.dataset.model = one.name;
  const heading = node('h3', '', one.title);
  heading.prepend(keyOf(colour, index));
  const { figures, values } = figuresWith([labels.epoch_short, labels.train, labels.heldout, labels.copied]);
  const text = node('div', 'text');
  text.lang = langOf(one.prompt);
  const best = button('go', filled(labels.go_best, { n: counted(one.epoch[one.best]) }), goBest);
  const told = node('p', 'story', one.story);
  card.append(heading, figures, stackOf(one, text), told, best, node('small', 'recipe', one.recipe));
  /**
   * @param {Axis} axis
   * @param {number} place
   * @param {Kind} kind
   */
  const show = (axis, place, kind) => {
    const at = latest(one[axis], place);
    const said = at < 0 ? values.map(() => '–') : figuresOf(one, at, kind);
    values.forEach((value, which) => (value.textContent = said[which]));
    text.replaceChildren(...(at < 0 ? [node('span', 'base', labels.waiting)] : written(one, at, kind)));
    card.classList.toggle('at-best', at === one.best);
  };
  return { card, show };
}

/**
 * The mark of a model's lines in the chart.
 * @param {string} colour
 * @param {number} index
 */
export function keyOf(colour, index) {
  const key = shape('svg', { class: `chart-key ${colour}`, width: 14, height: 14, 'aria-hidden': 'true' });
  key.append(mark(index, 7, 7, 5, true));
  return key;
}

/**
 * A list of figures with their names, and the places of their values.
 * @param {string[]} names
 */
function figuresWith(names) {
  const values = names.map(() => node('dd'));
  const figures = node('dl', 'moment');
  names.forEach((name, at) => {
    const pair = node('div');
    pair.append(node('dt', '', name), values[at]);
    figures.append(pair);
  });
  return { figures, values };
}

/**
 * @param {Learner} one
 * @param {number} at
 * @param {Kind} kind
 */
function figuresOf(one, at, kind) {
  const spans = one.copied?.[kind][at];
  const share = spans ? Math.round(100 * shareOf(spans, one.texts[kind][at])) + '%' : '–';
  return [counted(one.epoch[at]), digits(one.train[at]), digits(one.heldout[at]), share];
}

/**
 * The prompt and what was written after it. Spaces alone are made visible.
 * @param {Learner} one
 * @param {number} at
 * @param {Kind} kind
 */
function written(one, at, kind) {
  const text = one.texts[kind][at];
  const shown = text.trim() ? text : Array.from(text, visible).join('');
  const said = pieces(shown, one.copied?.[kind][at] ?? []).map((piece) =>
    node('span', piece.copied ? 'copied' : '', piece.text),
  );
  return [node('span', 'prompt', one.prompt), ...said];
}

/**
 * A place for a text, as high as the highest of all texts of a model, so that nothing below it moves: they are all in it,
 * unseen, one over the other.
 * @param {Learner} one
 * @param {HTMLElement} text
 */
function stackOf(one, text) {
  const stack = node('div', 'written');
  const every = KINDS.flatMap((kind) => one.texts[kind].map((_, at) => written(one, at, kind)));
  const spare = every.map((content) => {
    const made = node('div', 'spare');
    made.setAttribute('aria-hidden', 'true');
    made.append(content.map((part) => part.textContent).join(''));
    return made;
  });
  stack.append(text, ...spare);
  return stack;
}
