// Writes equations: those of a stack with the indices of a cell, and those of the cells as their files state them.
import { node } from '../shared/dom.js';

/** @typedef {'right' | 'residual' | 'wrong'} Wiring */
/** @typedef {{ layer: number, t: number }} Place */

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
 * The equation of a wiring, with the indices of the selected cell.
 * @param {Wiring} wiring
 * @param {Place} touched
 */
export function equation(wiring, { layer: l, t }) {
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

const INDEXED = /([A-Za-z])_(?:\{([^}]*)\}|([a-z]+))/; // H_{t-1}, W_xh

/**
 * Equations as text, one a line, with letters, indices and signs as a book sets them.
 * @param {string} text
 */
export function written(text) {
  const made = node('div', 'written');
  text.split('\n').forEach((line) => {
    const parts = line.replaceAll('sigmoid', 'σ').replaceAll(' * ', ' ⊙ ').replaceAll(' - ', ' − ').split(INDEXED);
    const one = node('p');
    for (let at = 0; at < parts.length; at += 4) {
      one.append(parts[at]);
      if (at + 1 < parts.length) one.append(node('i', '', parts[at + 1]), node('sub', '', indexOf(parts, at)));
    }
    made.append(one);
  });
  return made;
}

/**
 * @param {string[]} parts
 * @param {number} at
 */
const indexOf = (parts, at) => (parts[at + 2] ?? parts[at + 3]).replace('-', '−');
