// Draws the Learn view (see view.py); dom.js and charts.js come before it.
const root = element.querySelector('.learn');
const LAYERS = 3;
let wide = 620; // what the picture may take, in pixels
const steps = () => (wide < 480 ? 3 : 4);
const stride = () => (wide - 64) / steps();
const half = () => Math.min(27, stride() / 3); // of a box
let wiring = 'right';
let touched = { layer: 2, t: 3 };

// A symbol with its indices: H with a time below and a layer above.
function symbol(letter, below, above, className = '') {
  const made = node('span', 'symbol ' + className, letter);
  const marks = node('span', 'indices');
  marks.append(node('sup', '', above === '' ? '' : `(${above})`), node('sub', '', below));
  made.append(marks);
  return made;
}

const plain = (text) => node('span', '', text);
const weight = (name, layer) => symbol('W', name, layer);

// The equation of the chosen wiring, with the touched cell's own numbers.
function equation(l, t) {
  const made = node('p', 'equation');
  const below = (className = 'below') => (l === 1 ? symbol('X', t, '', className) : symbol('H', t, l - 1, className));
  const phi = 'φ( ';
  if (wiring === 'right') {
    made.append(symbol('H', t, l), plain(' = '), plain(phi), below(), weight('xh', l), plain(' + '), symbol('H', t - 1, l, 'before'), weight('hh', l), plain(' + '), symbol('b', 'h', l), plain(' )'));
  } else if (wiring === 'residual') {
    made.append(symbol('S', t, l), plain(' = '), plain(phi + 'LayerNorm('), below(), plain(')'), weight('xh', l), plain(' + '), symbol('S', t - 1, l, 'before'), weight('hh', l), plain(' + '), symbol('b', 'h', l), plain(' ),  '));
    made.append(symbol('H', t, l), plain(' = '), below(), plain(' + '), symbol('S', t, l));
  } else {
    made.append(symbol('H', t, l), plain(' = '), plain(phi), below(), weight('xh', ''), plain(' + '), symbol('H', 0, '', 'before'), weight('hh', ''), plain(' + '), symbol('b', 'h', ''), plain(' ),  '));
    made.append(symbol('Y', t, ''), plain(' = '), symbol('H', 0, '', 'before'), weight('hq', ''), plain(' + '), symbol('b', 'q', ''));
  }
  return made;
}

const place = (layer, t) => ({ x: 32 + t * stride(), y: 330 - layer * 84 });
const state = () => (wiring === 'residual' ? 'S' : 'H');

function edge(from, to, className, bend = 0) {
  const middle = { x: (from.x + to.x) / 2 + bend, y: (from.y + to.y) / 2 };
  return shape('path', { d: `M${from.x},${from.y} Q${middle.x},${middle.y} ${to.x},${to.y}`, class: 'edge ' + className, 'marker-end': 'url(#arrow)' });
}

// An edge between the cells, not behind them, so that it reads as one arrow.
function around(corners, className) {
  return shape('path', { d: 'M' + corners.map((corner) => corner.join(',')).join(' L'), class: 'edge ' + className, 'marker-end': 'url(#arrow)' });
}

function box(layer, t, text, className) {
  const at = place(layer, t);
  const group = shape('g', { class: className });
  group.append(shape('rect', { x: at.x - half(), y: at.y - 19, width: 2 * half(), height: 38, rx: 9 }), shape('text', { x: at.x, y: at.y + 5, 'text-anchor': 'middle' }, text));
  return group;
}

const ONE_STATE = 'H₀'; // of the classic mistake
const above = (digits) => `⁽${Array.from(String(digits), (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit]).join('')}⁾`;
const under = (digits) => Array.from(String(digits), (digit) => '₀₁₂₃₄₅₆₇₈₉'[digit]).join('');
const named = (letter, layer, t) => `${letter}${under(t)}${layer ? above(layer) : ''}`;

// Every cell and its edges; those of the touched cell stand out: solid blue from below, dashed orange from before.
function unrolled(redraw) {
  const svg = shape('svg', { viewBox: `0 0 ${wide} 372`, class: 'unrolled', role: 'group' });
  const arrow = shape('marker', { id: 'arrow', viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: 'auto-start-reverse' });
  arrow.append(shape('path', { d: 'M0,0 L8,4 L0,8 z', fill: 'context-stroke' }));
  const edges = shape('g', {}), boxes = shape('g', {});
  const one0 = place(2, 0), aside = stride() / 2; // where the one state of all layers stands; between two boxes
  for (let t = 1; t <= steps(); t++) {
    boxes.append(box(0, t, 'X' + under(t), touched.layer === 1 && touched.t === t ? 'cell input below' : 'cell input'));
    for (let layer = 1; layer <= LAYERS; layer++) {
      const here = layer === touched.layer && t === touched.t;
      const at = place(layer, t), from = place(layer - 1, t), left = place(layer, t - 1);
      edges.append(edge({ x: from.x, y: from.y - 20 }, { x: at.x, y: at.y + 21 }, here ? 'below' : ''));
      if (wiring === 'residual') edges.append(edge({ x: from.x + half() - 3, y: from.y - 20 }, { x: at.x + half() - 3, y: at.y + 21 }, 'skip ' + (here ? 'below' : ''), 26));
      if (wiring !== 'wrong') edges.append(edge({ x: left.x + half() + 1, y: left.y }, { x: at.x - half() - 2, y: at.y }, here ? 'before' : ''));
      else if (here) edges.append(around([[one0.x + half() + 1, one0.y], [one0.x + aside, one0.y], [one0.x + aside, at.y + 42], [at.x - aside, at.y + 42], [at.x - aside, at.y], [at.x - half() - 2, at.y]], 'before'));
      const role = here ? 'here' : layer === touched.layer - 1 && t === touched.t ? 'below' : wiring !== 'wrong' && layer === touched.layer && t === touched.t - 1 ? 'before' : '';
      const one = box(layer, t, named(state(), layer, t), 'cell ' + role);
      one.setAttribute('tabindex', 0);
      one.setAttribute('role', 'button');
      one.setAttribute('aria-pressed', here);
      one.setAttribute('aria-label', named(state(), layer, t));
      if (wiring === 'residual' && here && layer > 1) boxes.append(shape('text', { x: at.x - 6, y: at.y + 47, 'text-anchor': 'end' }, named('H', layer - 1, t)));
      const touch = () => { touched = { layer, t }; redraw(); };
      one.addEventListener('click', touch);
      // Not pointerenter: a picture drawn anew under a pointer at rest must not take a keyboard's choice back.
      one.addEventListener('pointermove', (event) => { if (!here && (event.movementX || event.movementY)) touch(); });
      one.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          touch();
        }
      });
      boxes.append(one);
    }
    const top = wiring === 'wrong' ? null : place(LAYERS, t);
    boxes.append(shape('text', { x: place(LAYERS, t).x, y: 14, 'text-anchor': 'middle', class: 'output' }, 'Y' + under(t)));
    if (top) edges.append(edge({ x: top.x, y: top.y - 20 }, { x: top.x, y: 20 }, ''));
  }
  if (wiring === 'wrong') {
    boxes.append(box(2, 0, ONE_STATE, 'cell input before'));
    for (let t = 1; t <= steps(); t++) edges.append(around([[one0.x, one0.y - 20], [one0.x, 38], [place(LAYERS, t).x, 38], [place(LAYERS, t).x, 20]], 'output-edge'));
  } else for (let layer = 1; layer <= LAYERS; layer++) {
    boxes.append(box(layer, 0, named(state(), layer, 0), layer === touched.layer && touched.t === 1 ? 'cell input before' : 'cell input'));
  }
  svg.append(arrow, edges, boxes);
  return svg;
}

function reads(labels) {
  const { layer, t } = touched;
  const sentence = wiring === 'wrong' ? labels.reads_wrong : t === 1 ? labels.reads_first : labels.reads;
  const before = wiring === 'wrong' ? ONE_STATE : named(state(), layer, t - 1);
  const below = layer === 1 ? 'X' + under(t) : named('H', layer - 1, t);
  return filled(sentence, { cell: named(state(), layer, t), before, below });
}

function picture(labels) {
  const made = node('div', 'figure stack-picture');
  return sized(made, (width, again) => {
    wide = Math.min(width, 720);
    touched.t = Math.min(touched.t, steps());
    const redraw = () => {
      const focused = made.contains(document.activeElement);
      again();
      if (focused) made.querySelector('.here')?.focus();
    };
    const said = node('p', 'explain', reads(labels));
    said.setAttribute('aria-live', 'polite');
    return [
      segments(['right', 'residual', 'wrong'].map((one) => [one, labels[one]]), wiring, (picked) => { wiring = picked; redraw(); }),
      equation(touched.layer, touched.t), unrolled(redraw), said, node('p', '', labels[wiring + '_note']),
    ];
  });
}

function code(entries) {
  const made = node('div', 'codes');
  entries.forEach(([title, source]) => {
    const one = node('div', 'code');
    if (title) one.append(node('h4', '', title));
    const block = node('pre');
    block.tabIndex = 0;
    block.append(node('code', '', source));
    one.append(block);
    made.append(one);
  });
  return made;
}

function draw() {
  const { sections, labels, note } = given();
  root.replaceChildren(...sections.map((one) => {
    const made = node('section', 'experiment');
    made.id = 'learn-' + one.key;
    made.append(node('h2', '', one.title), node('p', 'text', one.text));
    if (one.picture) made.append(picture(labels));
    if (one.answer) made.append(node('p', 'verdict', one.answer));
    if (one.code) made.append(code(one.code));
    if (one.table) {
      const [head, ...rows] = one.table;
      const scroll = node('div', 'scroll');
      scroll.append(tableOf(head, rows));
      made.append(scroll);
    }
    if (one.figure) made.append(figure([one.figure], 'learn-' + one.key, labels, one.title));
    return made;
  }));
  if (note) root.append(node('p', 'note', note));
}

draw();
watch('value', draw);
