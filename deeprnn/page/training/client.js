// What the Train view asks of the server, and the visitor's trainings as the server tells of them.
import { filled } from '../shared/dom.js';

/**
 * What a visitor may choose of a training; null: chosen by the text.
 * @typedef {object} Options
 * @property {string} cell
 * @property {number | null} layers
 * @property {number | null} hidden
 * @property {boolean | null} residual
 * @property {string} form
 * @property {number} minutes
 * @property {number | null} epochs
 */

/**
 * A training; words are in both languages.
 * @typedef {object} Training
 * @property {string} key
 * @property {any} title
 * @property {any} text the name of its text
 * @property {string} source the key of its text
 * @property {Options} options
 * @property {'waiting' | 'running' | 'stopping' | 'stopped' | 'finished' | 'failed'} state
 * @property {number} place in the queue
 * @property {number} epochs
 * @property {{ order: number, ppl: number, val_ppl: number }} ngram on the test part, and on the one of the curve
 * @property {{ epoch: number, seconds: number, chars_per_second: number, seconds_left: number } | null} progress
 * @property {[number, string] | null} sample the epoch, and what it wrote after it
 * @property {any} reason
 * @property {boolean} resumable
 * @property {{ train_ppl?: number, heldout_ppl?: number, best_epoch?: number }} reached
 * @property {string} command
 * @property {string | null} model its name on the page
 * @property {string} [beside] a shipped model to compare it with
 * @property {boolean} keepable
 * @property {number[][]} curve points: epoch, seconds, training and held-out perplexity
 * @property {number[][]} losses points: epoch, seconds, perplexity
 */

/** @typedef {Partial<Training> & { anew?: boolean }} Change */
/** @typedef {{ trainings?: Record<string, Change>, gone?: string[], whole?: boolean, over?: boolean }} News */
/** @typedef {{ name: string, title: any, chars: number, opening: string }} Book a text at hand */

/**
 * Sends a text or a request; returns the answer, which may be a refusal: `refused` in both languages, and its key `why`.
 * @param {'text' | 'ask'} what
 * @param {string | object} body
 * @returns {Promise<any>}
 */
export async function ask(what, body) {
  const sent = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain;charset=utf-8' : 'application/json';
  const answer = await fetch(`training/${what}`, { method: 'POST', body: sent, headers: { 'content-type': type } });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw said.detail ? new Told(said.detail) : new Error(`HTTP ${answer.status}`);
}

/** What the server says of a request that it does not take. */
class Told extends Error {}

/**
 * What is said of a request that failed.
 * @param {unknown} error
 * @param {Record<string, string>} labels
 */
export function failure(error, labels) {
  if (error instanceof Told) return error.message;
  return filled(labels.failed, { why: error instanceof Error ? error.message : String(error) });
}

export const AGAIN = 3000; // milliseconds after which what was refused is tried again
const HERE = 600_000; // milliseconds after which a page that asks for nothing says that it is still open

/** The visitor's trainings. */
export class Trainings {
  /** By key, the oldest first. @type {Map<string, Training>} */
  all = new Map();
  /** What is listened to; null: nothing runs. @type {EventSource | null} */
  #stream = null;
  /** The timer of the next try to listen. */
  #again = 0;

  /** @param {(lost: boolean) => void} changed is called after each change; lost: trainings are gone unasked */
  constructor(changed) {
    this.changed = changed;
    document.addEventListener('visibilitychange', () => {
      if (document.hidden)
        this.#stream?.close(); // a browser keeps few connections to one server
      else this.listen(); // another tab may have started or removed a training
    });
    setInterval(() => {
      if (this.all.size && this.#stream?.readyState !== EventSource.OPEN) this.load().catch(() => {});
    }, HERE); // the server removes what is of a visitor who has left
  }

  /**
   * Reads everything; listens if something runs. Returns the texts at hand.
   * @returns {Promise<Book[]>}
   */
  async load() {
    const answer = await fetch('training/state');
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const { books, active, ...news } = await answer.json();
    this.#take(news);
    if (active) this.listen();
    return books;
  }

  /** Listens to what changes until nothing runs any more. */
  listen() {
    this.#stream?.close();
    clearTimeout(this.#again);
    const stream = new EventSource('training/events');
    stream.addEventListener('error', () => {
      const isOver = stream !== this.#stream || stream.readyState !== EventSource.CLOSED;
      if (!isOver && !document.hidden) this.#again = window.setTimeout(() => this.listen(), AGAIN); // a proxy has refused it
    });
    stream.addEventListener('message', ({ data }) => {
      const news = JSON.parse(data);
      if (news.over) stream.close();
      if (news.over && stream === this.#stream) this.#stream = null;
      this.#take(news);
    });
    this.#stream = stream;
  }

  /** @param {string} key of a training that the server has removed */
  forget(key) {
    this.#take({ gone: [key] });
  }

  /** @param {News} news */
  #take({ trainings = {}, gone = [], whole }) {
    const lost = whole ? [...this.all.keys()].filter((key) => !(key in trainings)) : [];
    [...gone, ...lost].forEach((key) => this.all.delete(key));
    Object.entries(trainings).forEach(([key, change]) => this.all.set(key, merged(this.all.get(key), key, change)));
    this.changed(lost.length > 0);
  }
}

/**
 * A training with a change; points are added to those there are, or replace them.
 * @param {Training | undefined} before
 * @param {string} key
 * @param {Change} change
 */
export function merged(before, key, { anew, curve = [], losses = [], ...fields }) {
  const kept = before && !anew ? before : { curve: [], losses: [] };
  const points = { curve: [...kept.curve, ...curve], losses: [...kept.losses, ...losses] };
  return /** @type {Training} */ ({ ...before, ...fields, key, ...points });
}
