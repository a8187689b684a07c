// The moments of a training, and what an address says of them; nothing here draws.
import { listed } from '../shared/dom.js';

/** @typedef {'epoch' | 'chars' | 'seconds'} Axis */
/** @typedef {'drawn' | 'greedy'} Kind */
/** @typedef {[number, number][]} Spans the copied parts of a text, as [start, end) */

/**
 * A model's measurements as columns, see moments.py.
 * @typedef {object} Learner
 * @property {string} name
 * @property {string} recipe
 * @property {string} title
 * @property {string} stack its cell and layers
 * @property {string} story
 * @property {string} cell
 * @property {string} prompt
 * @property {number} symbols
 * @property {number[]} epoch
 * @property {number[]} chars
 * @property {number[]} seconds
 * @property {number[]} train
 * @property {number[]} heldout
 * @property {Record<Kind, string[]>} texts
 * @property {Record<Kind, Spans[]> | null} copied
 * @property {number} best
 */

/**
 * What is shown: a question, or else models by name; the moment, null: none is asked for.
 * @typedef {object} Asked
 * @property {string | null} question
 * @property {string[]} models
 * @property {Axis} axis
 * @property {number | null} place
 * @property {Kind} kind
 */

/** @type {Axis[]} */
export const AXES = ['epoch', 'chars', 'seconds'];
/** @type {Kind[]} */
export const KINDS = ['drawn', 'greedy'];
const WHOLE = 16_000; // milliseconds for all moments, if each is shown long enough and not too long
const SHORTEST = 160;
const LONGEST = 1_600;

/**
 * The places of all measurements of some models along an axis, ascending.
 * @param {Learner[]} learners
 * @param {Axis} axis
 */
export const placesOf = (learners, axis) =>
  [...new Set(learners.flatMap((one) => one[axis]))].sort((one, other) => one - other);

/**
 * The index of the last of some ascending values that is not after a place; -1 if all are.
 * @param {number[]} values
 * @param {number} place
 */
export const latest = (values, place) => values.findLastIndex((value) => value <= place);

/**
 * How long each of some moments is shown while they play, in milliseconds.
 * @param {number} count
 */
export const pace = (count) => Math.min(Math.max(WHOLE / count, SHORTEST), LONGEST);

/**
 * How much of a text is copied, from 0 to 1.
 * @param {Spans} spans
 * @param {string} text
 */
export const shareOf = (spans, text) =>
  spans.reduce((sum, [start, end]) => sum + end - start, 0) / Math.max(Array.from(text).length, 1);

/**
 * A text in pieces, those that are copied and those that are not.
 * @param {string} text
 * @param {Spans} spans
 * @returns {{ text: string, copied: boolean }[]}
 */
export function pieces(text, spans) {
  const characters = Array.from(text);
  const ends = [0, ...spans.flat(), characters.length];
  return ends
    .slice(1)
    .map((end, index) => ({ text: characters.slice(ends[index], end).join(''), copied: index % 2 === 1 }))
    .filter((piece) => piece.text);
}

/**
 * What an address asks for; it may be anything, so only what makes sense is taken from it.
 * @param {string} query
 * @param {string[]} known the keys of the questions that there are
 * @returns {Asked}
 */
export function askedBy(query, known) {
  const params = new URLSearchParams(query);
  const question = known.find((key) => key === params.get('question')) ?? null;
  const axis = AXES.find((one) => params.has(one)) ?? 'epoch';
  const given = params.get(axis);
  const place = given?.trim() && Number.isFinite(Number(given)) ? Number(given) : null;
  const kind = KINDS.find((one) => one === params.get('text')) ?? 'drawn';
  return { question, models: question ? [] : namesIn(params.get('models') ?? ''), axis, place, kind };
}

/**
 * The names in a list that `listed` made.
 * @param {string} list
 */
function namesIn(list) {
  try {
    return [...new Set(list.split(',').filter(Boolean).map(decodeURIComponent))];
  } catch {
    return []; // a % that begins no character
  }
}

/**
 * The query of an address that asks for this.
 * @param {Asked} asked
 */
export function queryOf({ question, models, axis, place, kind }) {
  const params = new URLSearchParams();
  if (question) params.set('question', question);
  else if (models.length) params.set('models', listed(models));
  if (place !== null) params.set(axis, String(place));
  if (kind !== 'drawn') params.set('text', kind);
  return params.toString();
}
