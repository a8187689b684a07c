// Draws the table of scores: a bar for each model and each baseline, on one log scale.
import { counted, short, ticks } from '../shared/charts.js';
import { find, node, tableOf } from '../shared/dom.js';
import { rounded } from './verdict.js';

/** @typedef {import('./score.js').Row} Row */
/** @typedef {Record<string, string>} Labels */

const APART = 0.16; // the least distance of two numbers on the axis, in shares of its length

/**
 * The place of a perplexity on the axis, in shares of its length: 1 is at the beginning.
 * @param {number} ppl
 * @param {number} most
 */
export const placeOf = (ppl, most) => Math.log(ppl) / Math.log(most);

/**
 * The numbers on an axis from 1 to `most`, far enough apart to be read.
 * @param {number} most
 */
export function marks(most) {
  let last = -1;
  return ticks(1, most, true).filter((value) => {
    const place = placeOf(value, most);
    if (place - last < APART || place > 1 - APART / 3) return false;
    last = place;
    return true;
  });
}

/** @param {number} share */
const percent = (share) => (100 * share).toFixed(2) + '%';

/** @param {number} most */
function axis(most) {
  const made = node('div', 'axis');
  made.append(
    ...marks(most).map((value) => {
      const mark = node('span', '', short(value));
      mark.style.left = percent(placeOf(value, most));
      return mark;
    }),
  );
  return made;
}

/**
 * @param {Row} row
 * @param {number} most
 */
function bar(row, most) {
  const made = node('div', 'track');
  const guess = node('i', 'guess');
  guess.style.left = percent(placeOf(row.guess, most));
  if (row.state === 'done') {
    const fill = node('i', 'fill');
    fill.style.width = percent(placeOf(row.ppl, most));
    made.append(fill);
  }
  made.append(guess);
  return made;
}

/**
 * What is said in the place of a figure.
 * @param {Row} row
 * @param {Labels} labels
 */
const figure = (row, labels) => (row.state === 'done' ? rounded(row.ppl) : (labels[row.state] ?? '–'));

/**
 * @param {Row[]} rows
 * @param {Labels} labels
 */
export function table(rows, labels) {
  const figures = rows.filter((row) => row.state === 'done').map((row) => row.ppl);
  const most = 1.05 * Math.max(2, ...figures, ...rows.map((row) => row.guess));
  const unknown = rows.some((row) => row.unknown);
  const columns = [labels.model, '', labels.ppl, ...(unknown ? [labels.unknown] : [])];
  const lines = rows.map((row) => [
    row.title,
    '',
    figure(row, labels),
    ...(unknown ? [row.kind === 'model' && row.state === 'done' ? counted(row.unknown ?? 0) : ''] : []),
  ]);
  const made = tableOf(columns, lines, (line, index) => {
    const row = rows[index];
    const [title, place] = line.children;
    line.className = [row.cell === 'base' ? 'base' : '', row.state].join(' ').trim();
    title.className = row.cell;
    if (row.name) title.append(node('small', 'recipe', row.name));
    place.className = row.cell + ' barred';
    place.append(bar(row, most));
  });
  find(made, 'thead').querySelectorAll('th')[1].replaceWith(axisCell(most));
  return made;
}

/** @param {number} most */
function axisCell(most) {
  const cell = node('td', 'barred');
  cell.append(axis(most));
  return cell;
}

/**
 * All figures, in a fold.
 * @param {Row[]} rows
 * @param {Labels} labels
 * @param {boolean} open
 * @param {(open: boolean) => void} folded
 */
export function figures(rows, labels, open, folded) {
  const lines = rows
    .filter((row) => row.state === 'done')
    .map((row) => [
      row.title,
      row.ppl < 1e5 ? row.ppl.toFixed(3) : row.ppl.toExponential(2),
      row.bpc.toFixed(3),
      (row.bpc * Math.LN2).toFixed(3),
      row.unknown === undefined ? '' : counted(row.unknown),
      counted(row.guess),
    ]);
  const fold = node('details', 'all-figures');
  const columns = [labels.model, labels.ppl, labels.bpc, labels.nats, labels.unknown, labels.guess];
  fold.open = open;
  fold.append(node('summary', '', labels.all_figures), tableOf(columns, lines));
  fold.addEventListener('toggle', () => folded(fold.open));
  return fold;
}
