// Draws the Inside view (see inside.py); dom.js stands before it.
const root = element.querySelector('.inside');
let at = 20; // the character that is read across the layers
let shown = 'change';
let unitsOf = 0;

const colour = (name) => getComputedStyle(root).getPropertyValue(name);
const layerName = (labels, level) => (level === 0 ? labels.embedding : filled(labels.layer, { n: level }));

// Rows of values from -1 to 1 (or 0 to 1), the first row at the bottom, a column a character or a distance.
function heat(rows, names, label, marks = []) {
  const made = node('div', 'layers');
  const step = rows.length > 12 ? 7 : 20;
  const canvas = node('canvas', 'map');
  canvas.width = rows[0].length;
  canvas.height = rows.length;
  canvas.style.height = rows.length * step + 'px';
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', label);
  const brush = canvas.getContext('2d');
  const [hot, cold] = [colour('--hot'), colour('--cold')];
  rows.forEach((row, index) => row.forEach((value, column) => {
    brush.fillStyle = `rgba(${value < 0 ? cold : hot}, ${Math.min(Math.abs(value), 1).toFixed(3)})`;
    brush.fillRect(column, rows.length - 1 - index, 1, 1);
  }));
  const side = node('div', 'rows');
  names.forEach((name) => side.prepend(node('span', '', name)));
  side.style.height = canvas.style.height;
  const frame = node('div', 'frame');
  frame.append(canvas, node('i', 'cursor'));
  marks.forEach((share, row) => {
    const mark = node('b', 'mark');
    mark.style.left = 100 * share + '%';
    mark.style.bottom = (100 * row) / rows.length + '%';
    mark.style.height = 100 / rows.length + '%';
    frame.append(mark);
  });
  made.append(side, frame);
  return made;
}

function picture(title, body, scale, says, axis) {
  const made = node('figure', 'figure');
  made.append(node('h4', '', title), ...body);
  if (axis) made.append(node('p', 'axis-name', axis));
  if (scale) made.append(node('p', 'scale', scale));
  if (says) made.append(node('p', 'says', says));
  return made;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const numbers = (count) => Array.from({ length: count }, (_, index) => String(index + 1));

function stateOf(one, labels) {
  if (shown === 'units') {
    const layer = Math.min(unitsOf, one.units.length - 1);
    const rows = one.units[layer].map((unit) => Array.from(unit, (letter) => (letter.charCodeAt(0) - 109) / 12)); // m is 0, see service.py
    return { rows, names: [], scale: labels.scale_units };
  }
  if (shown === 'change' || !one.gates[shown]) {
    return { rows: one.change.map((row) => [0, ...row.map((value) => value / 1.5)]), names: one.change.map((row, index) => `${index + 1} · ${(100 * mean(row)).toFixed(0)}%`), scale: labels.scale_change };
  }
  return { rows: one.gates[shown], names: numbers(one.change.length), scale: labels.scale_gate };
}

// The sentence of the picture that is shown; a model that has no such gate shows what it has, how much its state moves.
function saysOfState(one) {
  if (shown === 'units') return '';
  if (shown === 'change') return one.says.change;
  if (!one.gates[shown]) return Object.keys(one.gates).length ? one.says.change : one.says.gates;
  return shown === one.keeping ? one.says.gates : '';
}

function states(one, labels) {
  const { rows, names, scale } = stateOf(one, labels);
  const map = heat(rows, names, labels.state_title);
  map.classList.add('timed');
  return picture(labels.state_title, [map], scale, saysOfState(one));
}

function lens(one, labels) {
  const rows = one.lens.nats.map((row) => [0, ...row.map(strength)]);
  const map = heat(rows, one.lens.levels.map((level) => (level === 0 ? '·' : String(level))), labels.lens_title);
  map.classList.add('timed');
  return picture(labels.lens_title, [map], labels.scale_lens, one.says.lens);
}

function echo(one, labels) {
  const count = one.echo[0].length;
  const names = one.lifetime.map((life, index) => `${index + 1} · ${life}`);
  const map = heat(one.echo, names, labels.echo_title, one.lifetime.map((life) => life / count));
  return picture(labels.echo_title, [map], labels.scale_echo, one.says.echo, labels.axis_distance);
}

function gradients(one, labels) {
  const most = Math.max(...given().models.flatMap((each) => each.gradients.flat())); // one scale for all that are shown
  const rows = one.gradients.map((row) => row.map((norm) => (norm > 0 ? Math.max(0, 1 + Math.log10(norm / most) / 6) : 0)));
  return picture(labels.gradients_title, [heat(rows, numbers(rows.length), labels.gradients_title)], labels.scale_gradients, one.says.gradients, labels.axis_back);
}

// A bar a layer: the text's perplexity without it, beside that of the whole model.
function without(one, labels) {
  const drawn = sized(node('div'), (width) => [bars(one, labels, width)]);
  return picture(labels.without_title, [drawn], '', one.says.without, labels.axis_ppl);
}

function bars(one, labels, width) {
  const step = 24, left = 26, right = 60, high = one.without.length * step + 6;
  const svg = shape('svg', { viewBox: `0 0 ${width} ${high + 18}`, class: 'chart ' + one.cell, role: 'img', 'aria-label': labels.without_title });
  // Bars of nats from 0, which is perplexity 1; one scale for all models that are shown.
  const most = Math.max(...given().models.flatMap((each) => [each.nats, ...each.without.filter((nats) => nats !== null)]));
  const x = (nats) => left + (nats / most) * (width - left - right);
  apart(ticks(1, Math.exp(most), true), { at: (ppl) => x(Math.log(ppl)) }).forEach((ppl) => {
    const place = x(Math.log(ppl));
    svg.append(shape('line', { x1: place, x2: place, y1: 0, y2: high - 6, class: 'grid' }));
    svg.append(shape('text', { x: place, y: high + 12, 'text-anchor': 'middle' }, short(ppl)));
  });
  one.without.forEach((nats, index) => {
    const y = high - (index + 1) * step;
    svg.append(shape('text', { x: left - 8, y: y + 12, 'text-anchor': 'end' }, index + 1));
    if (nats === null) svg.append(shape('text', { x: left + 4, y: y + 12 }, '–'));
    else {
      svg.append(shape('rect', { x: left, y, width: Math.max(1, x(nats) - left), height: 15, class: 'bar-fill' }));
      const ppl = Math.exp(nats);
      svg.append(shape('text', { x: x(nats) + 6, y: y + 12, class: 'ink' }, ppl < 1000 ? ppl.toPrecision(4) : ppl.toExponential(1)));
    }
  });
  svg.append(shape('line', { x1: x(one.nats), x2: x(one.nats), y1: 0, y2: high - 6, class: 'rule' }));
  return svg;
}

// What every layer of a model does at one character; what it would say stands at the levels that can be read out.
function across(one, labels) {
  const made = node('div', 'across');
  made.append(node('h4', '', one.title));
  const letters = Object.keys(one.gates), next = at < one.lens.nats[0].length;
  const levels = [...new Set([...one.change.map((row, index) => index + 1), ...one.lens.levels])].sort((a, b) => a - b);
  const rows = levels.map((level) => {
    const place = next ? one.lens.levels.indexOf(level) : -1;
    return [
      layerName(labels, level),
      level && at > 0 ? (100 * one.change[level - 1][at - 1]).toFixed(0) + '%' : '',
      ...letters.map((letter) => (level ? one.gates[letter][level - 1][at].toFixed(2) : '')),
      ...(place < 0 ? ['', '', ''] : [visible(one.lens.said[place][at]), one.lens.probability[place][at].toFixed(2), one.lens.nats[place][at].toFixed(2)]),
    ];
  });
  const columns = [labels.col_layer, labels.change, ...letters.map((letter) => labels['gate_' + letter]), labels.col_says, labels.col_p, labels.col_nats];
  made.append(tableOf(columns, rows.reverse(), (line) => line.children[columns.indexOf(labels.col_says)].classList.add('said')));
  return made;
}

function draw() {
  const value = given(), labels = value.labels;
  if (!value.models || !value.models.length) {
    root.replaceChildren(node('p', 'empty', labels.empty));
    return;
  }
  const characters = Array.from(value.text);
  at = Math.min(at, characters.length - 1);
  const strip = node('div', 'heat strip');
  strip.tabIndex = 0;
  strip.setAttribute('role', 'group');
  strip.setAttribute('aria-label', labels.hint);
  characters.forEach((character, index) => {
    const span = node('span', '', character);
    span.dataset.index = index;
    strip.append(span);
  });
  const reading = node('div', 'reading-across');
  const letters = [...new Set(value.models.flatMap((one) => Object.keys(one.gates)))];
  const kinds = [['change', labels.change], ...letters.map((letter) => [letter, labels['gate_' + letter]]), ['units', labels.units]];
  if (!kinds.some(([kind]) => kind === shown)) shown = 'change';
  const bar = node('div', 'bar');
  bar.append(segments(kinds, shown, (picked) => { shown = picked; draw(); }));
  const deepest = Math.max(...value.models.map((one) => one.change.length));
  if (shown === 'units' && deepest > 1) bar.append(segments(numbers(deepest).map((name, index) => [index, name]), Math.min(unitsOf, deepest - 1), (picked) => { unitsOf = picked; draw(); }));
  const columns = node('div', 'beside');
  value.models.forEach((one) => {
    const column = node('section', 'inside-model');
    column.dataset.model = one.model;
    column.append(node('h3', one.cell, one.title), states(one, labels), lens(one, labels), echo(one, labels), without(one, labels), gradients(one, labels));
    columns.append(column);
  });
  const point = () => {
    strip.querySelectorAll('.at').forEach((span) => span.classList.remove('at'));
    strip.children[at].classList.add('at');
    root.querySelectorAll('.timed .cursor').forEach((line) => (line.style.left = (100 * (at + 0.5)) / characters.length + '%'));
    const said = node('p', 'explain', filled(labels.next, { prefix: '“…' + characters.slice(Math.max(0, at - 11), at + 1).map(visible).join('') + '”', char: at + 1 < characters.length ? visible(characters[at + 1]) : '…' }));
    said.setAttribute('aria-live', 'polite');
    const tables = node('div', 'beside');
    tables.append(...value.models.map((one) => across(one, labels)));
    reading.replaceChildren(said, tables);
  };
  const follow = (event) => {
    const map = event.target.closest && event.target.closest('.timed .frame');
    const index = event.target.dataset && event.target.dataset.index, was = at;
    if (index !== undefined) at = Number(index);
    else if (map) {
      const box = map.getBoundingClientRect();
      at = Math.max(0, Math.min(characters.length - 1, Math.floor(((event.clientX - box.left) / box.width) * characters.length)));
    }
    if (at !== was) point();
  };
  pointed(strip, follow);
  pointed(columns, follow);
  strip.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.max(0, Math.min(characters.length - 1, at + step));
    point();
  });
  const notes = [labels.hint, ...value.notes].map((text) => node('p', 'note', text));
  root.replaceChildren(...notes, strip, reading, bar, columns);
  point();
}

draw();
watch('value', draw);
