// What the scores show: one sentence of rounded figures.
import { filled } from '../shared/dom.js';

/** @typedef {import('./score.js').Row} Row */

const SURE = 1.2; // a model of this perplexity or less is all but sure
const MOST_UNKNOWN = 0.5; // the share of characters that a model may not know for its figures to mean something

/**
 * A perplexity as a reader needs it: three digits, two decimals at most; a whole number as it is.
 * @param {number} value
 */
export function rounded(value) {
  if (value >= 1e5) return value.toExponential(0).replace('e+', ' × 10^');
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  const whole = Math.abs(value - Math.round(value)) < 1e-6;
  return value.toLocaleString('en-US', { minimumFractionDigits: whole ? 0 : digits, maximumFractionDigits: digits });
}

/**
 * The models that are ranked: those of one form that know the text, best first. With models of several forms, those are
 * ranked that know more of the text, or more of them.
 * @param {Row[]} rows
 * @param {number} characters
 */
export function ranked(rows, characters) {
  const known = rows.filter(
    ({ kind, state, unknown = 0 }) => kind === 'model' && state === 'done' && unknown <= MOST_UNKNOWN * characters,
  );
  const forms = [...new Set(known.map((row) => row.form))].map((form) => known.filter((row) => row.form === form));
  const unknown = (/** @type {Row[]} */ group) => Math.min(...group.map((row) => row.unknown ?? 0));
  forms.sort((a, b) => unknown(a) - unknown(b) || b.length - a.length);
  return (forms[0] ?? []).sort((a, b) => a.ppl - b.ppl);
}

/**
 * The takeaway, and what it is to be compared with.
 * @param {Row[]} rows
 * @param {number} characters
 * @param {Record<string, string>} labels
 * @returns {{ bold: string, rest: string[] }}
 */
export function verdict(rows, characters, labels) {
  const [best, ...others] = ranked(rows, characters);
  if (!best) {
    const isRead = rows.some(({ kind, state }) => kind === 'model' && state === 'done');
    return { bold: isRead ? labels.none_knows : labels.none_read, rest: [] };
  }
  const said = { title: best.title, n: rounded(best.ppl) };
  if (best.ppl >= best.guess) return { bold: filled(labels.all_worse, { ...said, guess: best.guess }), rest: [] };
  const key = (others.length ? 'best' : 'only') + (best.ppl <= SURE ? '_sure' : '');
  const counted = rows.find((row) => row.kind === 'ngram' && row.of?.includes(best.name)); // of the text that it has read
  const counting = counted && (counted.ppl < best.ppl ? labels.counting_better : labels.counting_worse);
  return {
    bold: filled(labels[key], said),
    rest: [
      ...(counting ? [filled(counting, { order: counted.count ?? '', n: rounded(counted.ppl) })] : []),
      filled(labels.guessing, { n: rounded(best.guess) }),
    ],
  };
}
