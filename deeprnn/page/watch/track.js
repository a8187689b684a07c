// Draws the track of a training: play and pause, a slider over its moments, the name of the present one.
import { counted, wordsWide } from '../shared/charts.js';
import { button, filled, node } from '../shared/dom.js';
import { keyOf } from './learner.js';
import { placesOf } from './timeline.js';

/** @typedef {import('./timeline.js').Learner} Learner */
/** @typedef {import('./timeline.js').Axis} Axis */
/** @typedef {Record<string, string>} Labels */

const SIZE = 15; // of the name of a moment, in pixels

/** The track; it tells what the reader does by `slide` and `press`. */
export class Track {
  element = node('div', 'timeline');
  /** The name of each moment. @type {string[]} */
  #names = [];
  #button;
  #slider = node('input');
  #marks = node('div', 'marks');
  #name = node('span', 'present');

  /**
   * @param {Labels} labels
   * @param {{ slide: (at: number) => void, press: () => void }} told
   */
  constructor(labels, { slide, press }) {
    this.labels = labels;
    this.#button = button('play', '', press);
    Object.assign(this.#slider, { type: 'range', min: '0', step: '1' });
    this.#slider.setAttribute('aria-label', labels.slider);
    this.#slider.addEventListener('input', () => slide(Number(this.#slider.value)));
    const rail = node('div', 'rail');
    rail.append(this.#slider, this.#marks);
    this.element.append(this.#button, rail, this.#name);
    this.playing(false);
  }

  /**
   * Sets the moments, and marks each model's best.
   * @param {Learner[]} learners
   * @param {string[]} colours
   * @param {Axis} axis
   */
  set(learners, colours, axis) {
    const places = placesOf(learners, axis);
    this.#names = places.map((place) => filled(this.labels['at_' + axis], { n: counted(place) }));
    this.#name.style.minWidth = Math.ceil(Math.max(...this.#names.map((name) => wordsWide(name, SIZE)))) + 4 + 'px';
    this.#slider.max = String(places.length - 1);
    /** @type {Map<number, number>} */
    const taken = new Map();
    const marks = learners.map((one, index) => {
      const at = places.indexOf(one[axis][one.best]);
      const before = taken.get(at) ?? 0;
      taken.set(at, before + 1);
      const mark = node('span', 'mark');
      const share = at / Math.max(places.length - 1, 1);
      mark.style.setProperty('--share', String(share));
      mark.style.setProperty('--beside', String(share > 0.5 ? -before : before)); // those of one moment, side by side
      mark.title = `${one.title}: ${filled(this.labels.go_best, { n: counted(one.epoch[one.best]) })}`;
      mark.append(keyOf(colours[index], index));
      return mark;
    });
    this.#marks.replaceChildren(...marks);
  }

  /** @param {number} at the index of the present moment */
  go(at) {
    this.#slider.value = String(at);
    this.#slider.setAttribute('aria-valuetext', this.#names[at]);
    this.#name.textContent = this.#names[at];
  }

  /** @param {boolean} plays */
  playing(plays) {
    this.#button.textContent = plays ? this.labels.pause : this.labels.play;
    this.#button.classList.toggle('on', plays);
  }
}
