// Draws the card of the chosen checkpoint: its facts, its files, the code that loads it (see view.py).
import { code } from '../shared/code.js';
import { button, listed, node, tableOf } from '../shared/dom.js';

/**
 * @typedef {object} Card
 * @property {string} name
 * @property {string} title
 * @property {[string, string][]} facts names and values
 * @property {string[]} columns
 * @property {string[][]} rows one for each part of the text
 * @property {string} note
 * @property {string} command
 * @property {string} sha256
 * @property {import('../shared/code.js').Pieces} code
 */

/**
 * A link to a file.
 * @param {string} file
 * @param {string} text
 */
export function download(file, text) {
  const made = node('a', 'download', text);
  made.href = 'download/' + encodeURIComponent(file);
  made.download = '';
  return made;
}

/**
 * A link to another view with this model.
 * @param {'compare' | 'score'} view
 * @param {string} name
 * @param {string} text
 */
function linkTo(view, name, text) {
  const made = node('a', 'download', text);
  made.href = `?view=${view}&models=${encodeURIComponent(listed([name]))}`;
  return made;
}

/** @param {[string, string][]} facts */
function list(facts) {
  const made = node('dl');
  made.append(...facts.flatMap(([name, value]) => [node('dt', '', name), node('dd', '', value)]));
  return made;
}

/**
 * @param {Card} card
 * @param {Record<string, string>} labels
 * @param {() => void} close
 * @returns {HTMLElement[]}
 */
export function details(card, labels, close) {
  const head = node('div', 'head');
  const title = node('h3', '', card.title);
  title.append(node('small', 'recipe', card.name));
  head.append(title, button('close', labels.close, close));
  const links = node('p', 'files');
  links.append(linkTo('compare', card.name, labels.write), linkTo('score', card.name, labels.score));
  const files = node('p', 'files');
  files.append(download(card.name + '.safetensors', labels.weights), download(card.name + '.zip', labels.folder));
  const heading = (/** @type {string} */ text) => node('h4', '', text);
  return [
    ...[head, links, list(card.facts)],
    ...[heading(labels.measured), tableOf(card.columns, card.rows), node('p', 'note', card.note)],
    ...[heading(labels.load), code(card.code, { copy: labels.copy, link_copied: labels.link_copied })],
    ...[heading(labels.files), files, heading(labels.sha), quoted(card.sha256)],
    ...[heading(labels.command), quoted(card.command)],
  ];
}

/** @param {string} text */
function quoted(text) {
  const made = node('p', 'quoted');
  made.append(node('code', '', text));
  return made;
}
