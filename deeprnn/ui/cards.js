// Draws the Compare cards from the component's JSON value. Text only ever enters the page through textContent.
const SVG = 'http://www.w3.org/2000/svg';

function node(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function shape(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function depthBars(card) {
  const bars = node('span', 'depth ' + card.cell);
  bars.setAttribute('aria-hidden', 'true');
  for (let layer = 1; layer <= 10; layer++) bars.append(node('i', layer <= card.depth ? '' : 'off'));
  return bars;
}

// Train and held-out perplexity on one log scale, with the mark of guessing all symbols alike. It ends at 250, or at
// that mark for an alphabet that is larger.
function dumbbell(card) {
  const most = Math.max(250, card.guess);
  const x = (ppl) => 10 + (Math.log(Math.min(ppl, most)) / Math.log(most)) * 300;
  const svg = shape('svg', { viewBox: '0 0 320 54', class: 'dumbbell ' + card.cell, role: 'img', 'aria-label': card.aria });
  svg.append(shape('line', { x1: 10, x2: 310, y1: 28, y2: 28, class: 'axis' }));
  svg.append(shape('line', { x1: x(card.guess), x2: x(card.guess), y1: 18, y2: 38, class: 'guess' }));
  const anchor = x(card.guess) > 280 ? { x: 316, 'text-anchor': 'end' } : { x: x(card.guess), 'text-anchor': 'middle' };
  svg.append(shape('text', { ...anchor, y: 49 }, card.labels.guessing));
  svg.append(shape('line', { x1: x(card.train), x2: x(card.heldout), y1: 28, y2: 28, class: 'span' }));
  svg.append(shape('circle', { cx: x(card.train), cy: 28, r: 5, class: 'train' }));
  svg.append(shape('circle', { cx: x(card.heldout), cy: 28, r: 6, class: 'heldout' }));
  const left = shape('text', { x: 4, y: 13 }, card.labels.train + ' ');
  left.append(shape('tspan', { class: 'v' }, card.train_text));
  const right = shape('text', { x: 316, y: 13, 'text-anchor': 'end' }, card.labels.heldout + ' ');
  right.append(shape('tspan', { class: 'v' }, card.heldout_text));
  svg.append(left, right);
  return svg;
}

function build(card) {
  const article = node('article', 'model-card');
  article.dataset.model = card.model;
  article.setAttribute('role', 'listitem');
  const heading = node('h3');
  heading.append(depthBars(card), node('span', '', card.title));
  const status = node('p', 'status');
  const out = node('div', 'out');
  out.append(node('span', 'prompt'), node('span', 'text'));
  article.append(heading, node('p', 'meta', card.meta), dumbbell(card), node('p', 'reading', card.reading), status, out);
  return article;
}

function fill(article, card) {
  article.classList.toggle('writing', card.state === 'writing');
  article.querySelector('.prompt').textContent = card.prompt;
  article.querySelector('.text').textContent = card.text;
  article.querySelector('.status').textContent = card.status;
}

function draw() {
  const value = props.value || { cards: [] };
  const root = element.querySelector('.cards');
  const signature = JSON.stringify(value.cards.map((card) => [card.model, card.title, card.meta, card.reading]));
  if (root.dataset.signature !== signature || root.children.length !== value.cards.length) {
    root.dataset.signature = signature;
    root.replaceChildren(...value.cards.map(build));
  }
  value.cards.forEach((card, index) => fill(root.children[index], card));
}

watch('value', draw);
draw();
