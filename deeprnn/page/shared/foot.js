// Draws the foot of the page: what this is, the chapter, the licence, the source, how to cite.
import { button, copy, find, node, onLanguage, spoken } from './dom.js';

const LICENCE = 'https://www.apache.org/licenses/LICENSE-2.0';

/**
 * The BibTeX entry of the page as it was read today; its address only where others can reach it.
 * @param {Record<string, string>} labels
 */
function bibtex(labels) {
  const fields = { title: labels.title, version: labels.version, urldate: new Date().toLocaleDateString('en-CA') };
  const place = location.protocol === 'https:' ? { url: location.origin + location.pathname } : {};
  const lines = Object.entries({ ...fields, ...place }).map(([name, value]) => `  ${name} = {${value}},`);
  return ['@software{deeprnn,', ...lines, '}'].join('\n');
}

/**
 * @param {string} text
 * @param {string} address
 */
function linkTo(text, address) {
  const link = node('a', '', text);
  link.href = address;
  return link;
}

/** @param {Record<string, string>} labels */
function citation(labels) {
  const made = node('details');
  const code = node('pre', '', bibtex(labels));
  code.tabIndex = 0;
  const press = button('', labels.copy, () => copy(code.textContent ?? '', press, labels.copied));
  made.append(node('summary', '', labels.cite), code, press);
  return made;
}

/** @param {import('./dom.js').Board} board */
export function mount(board) {
  const root = find(board.element, '.foot');
  const draw = () => {
    const isOpen = root.querySelector('details')?.open ?? false;
    const labels = spoken(board.labels);
    const links = node('p');
    const licence = linkTo(labels.licence, LICENCE);
    links.append(linkTo(labels.chapter, labels.chapter_address), ' · ', licence, ' · ', labels.books);
    const cited = citation(labels);
    cited.open = isOpen;
    root.replaceChildren(node('p', '', labels.about), links, node('p', '', labels.source), cited);
  };
  draw();
  onLanguage(root, draw);
}
