// Draws the Score result: a table, each character coloured by how improbable one model found it, or by how much more one
// does than another, and the perplexity as it runs along the text. dom.js and charts.js come before it.
let mode = 'one';
let chosen = 0;
let second = 1;
let asked = null; // what stands in the controls now: { text, models }

// Numbers that score.py packed.
const unpacked = (text) => new Float32Array(Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)).buffer);

function table(value) {
  return tableOf(value.columns, value.rows.map((row) => [row.title, ...row.figures]), (line, index) => {
    const { cell } = value.rows[index];
    line.className = cell === 'base' ? 'base' : '';
    line.firstChild.className = cell;
  });
}

function heatMap(value) {
  const row = value.rows[chosen];
  const other = mode === 'two' ? value.rows[second] : null;
  const unknown = new Set(row.unknown);
  const map = node('div', 'heat');
  map.tabIndex = 0;
  map.setAttribute('role', 'group');
  map.setAttribute('aria-label', value.labels.heat);
  Array.from(value.text).forEach((character, index) => {
    const span = node('span', unknown.has(index) ? 'unknown' : '', character);
    if (index > 0) {
      const nats = row.nats[index - 1] - (other ? other.nats[index - 1] : 0);
      span.style.setProperty('--heat', strength(Math.abs(nats)).toFixed(3));
      if (nats < 0) span.classList.add('less');
    }
    span.dataset.index = index;
    map.append(span);
  });
  return map;
}

function explain(value, index, line) {
  const character = Array.from(value.text)[index];
  line.replaceChildren(node('b', '', visible(character)));
  if (index === 0) {
    line.append(node('span', '', value.labels.heat_first));
    return;
  }
  value.rows.forEach((row) => {
    const nats = row.nats[index - 1];
    const p = Math.exp(-nats);
    const percent = p >= 0.001 ? (100 * p).toFixed(1) + '%' : p.toExponential(1);
    line.append(node('span', row.cell, filled(value.labels.heat_row, { title: row.title, p: percent, surprise: nats.toFixed(2) })));
  });
}

// Perplexity of the text so far, log scale; at most 300 points a line.
function running(value, width) {
  const height = 250, left = 58, bottom = 44, top = 12;
  const curves = value.rows.map((row) => {
    const points = [];
    let sum = 0, symbols = 0;
    const step = Math.max(1, Math.ceil(row.nats.length / 300));
    row.nats.forEach((nats, index) => {
      sum += nats;
      symbols += value.symbols[index];
      if (symbols && (index % step === 0 || index === row.nats.length - 1)) points.push([index + 1, sum / symbols]);
    });
    return points;
  });
  const from = Math.min(10, curves[0].length - 1); // the first few characters swing wildly
  const seen = curves.flatMap((points) => points.slice(from).map(([, mean]) => mean));
  const most = Math.max(...seen, 0.1), characters = value.rows[0].nats.length;
  const x = (at) => left + (at / characters) * (width - left - 10);
  const y = (mean) => height - bottom - (Math.min(mean, most) / most) * (height - bottom - top);
  const svg = shape('svg', { viewBox: `0 0 ${width} ${height}`, class: 'running', role: 'img', 'aria-label': value.labels.running });
  ticks(1, Math.exp(most), true).forEach((ppl) => {
    const at = y(Math.log(ppl));
    svg.append(shape('line', { x1: left, x2: width - 10, y1: at, y2: at, class: 'grid' }));
    svg.append(shape('text', { x: left - 8, y: at + 4, 'text-anchor': 'end' }, short(ppl)));
  });
  [0, 0.5, 1].forEach((share) => {
    const anchor = share === 1 ? 'end' : 'middle';
    svg.append(shape('text', { x: x(characters * share), y: height - 26, 'text-anchor': anchor }, Math.round(characters * share).toLocaleString()));
  });
  svg.append(shape('text', { x: (left + width) / 2, y: height - 8, 'text-anchor': 'middle' }, value.labels.running_axis));
  curves.forEach((points, index) => {
    const drawn = points.slice(from).map(([at, mean]) => `${x(at).toFixed(1)},${y(mean).toFixed(1)}`).join(' ');
    svg.append(shape('polyline', { points: drawn, class: 'curve ' + value.rows[index].cell, 'stroke-dasharray': dash(index) }));
  });
  const legend = node('div', 'legend');
  value.rows.forEach((row, index) => {
    const entry = node('span', row.cell);
    const sample = shape('svg', { viewBox: '0 0 28 8', width: 28, height: 8, 'aria-hidden': 'true' });
    sample.append(shape('line', { x1: 0, x2: 28, y1: 4, y2: 4, class: 'curve ' + row.cell, 'stroke-dasharray': dash(index) }));
    entry.append(sample, node('i', '', row.title));
    legend.append(entry);
  });
  return [svg, legend];
}

function select(value, label, current, choose) {
  const wrap = node('label', 'pick', label + ' ');
  const made = node('select');
  value.rows.forEach((row, index) => {
    const option = node('option', '', row.title);
    option.value = index;
    option.selected = index === current;
    made.append(option);
  });
  made.addEventListener('change', () => choose(Number(made.value)));
  wrap.append(made);
  return wrap;
}

function controls(value) {
  const made = [segments([['one', value.labels.mode_one], ['two', value.labels.mode_two]], mode, (picked) => {
    mode = picked;
    draw();
  })];
  const choose = (set) => (index) => {
    set(index);
    draw();
  };
  if (mode === 'one') made.push(segments(value.rows.map((row, index) => [index, row.title]), chosen, choose((index) => (chosen = index))));
  else {
    const two = node('div', 'two');
    two.append(select(value, value.labels.two_a, chosen, choose((index) => (chosen = index))));
    two.append(select(value, value.labels.two_b, second, choose((index) => (second = index))));
    made.push(two);
  }
  const scale = node('p', 'scale');
  if (mode === 'one') scale.append(node('span', '', value.labels.heat_scale), node('i', 'ramp'), node('span', '', value.labels.heat_scale_high));
  else scale.append(node('span', '', value.labels.two_less), node('i', 'ramp both'), node('span', '', value.labels.two_more));
  if (value.rows[chosen].unknown.length) scale.append(node('span', 'unknown', value.labels.heat_unknown));
  made.push(scale);
  return made;
}

// Scores of another text or other models than the controls name are marked as such.
function mark() {
  const root = element.querySelector('.score-result'), scored = given();
  const stale = Boolean(asked && scored && scored.rows) && (asked.text !== scored.text || String(asked.models) !== String(scored.models));
  root.classList.toggle('stale', stale);
  root.querySelector('.outdated')?.remove();
  if (stale) root.prepend(node('p', 'outdated', scored.labels.score_stale));
}

function draw() {
  const root = element.querySelector('.score-result');
  const packed = given();
  if (!packed || !packed.rows) {
    root.replaceChildren(node('p', 'empty', packed ? packed.empty : ''));
    return;
  }
  const rows = packed.rows.map((row) => ({ ...row, nats: unpacked(row.nats), unknown: unpacked(row.unknown) }));
  const value = { ...packed, rows, symbols: unpacked(packed.symbols) };
  chosen = Math.min(chosen, value.rows.length - 1);
  second = Math.min(second, value.rows.length - 1);
  const parts = [table(value)];
  value.notes.forEach((text) => parts.push(node('p', 'note', text)));
  parts.push(node('h3', '', value.labels.heat), ...controls(value));
  const line = node('p', 'explain', value.labels.heat_hint);
  line.setAttribute('aria-live', 'polite');
  const map = heatMap(value);
  const show = (event) => {
    const index = event.target.dataset && event.target.dataset.index;
    if (index !== undefined) explain(value, Number(index), line);
  };
  pointed(map, show);
  let at = 0;
  map.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    map.children[at].classList.remove('at');
    at = Math.max(0, Math.min(map.children.length - 1, at + step));
    map.children[at].classList.add('at');
    explain(value, at, line);
  });
  parts.push(map, line, node('h3', '', value.labels.running), sized(node('div'), (width) => running(value, Math.min(width, 860))));
  root.replaceChildren(...parts);
  mark();
}

// score.py tells of every change of the controls.
element.addEventListener('asked', (event) => {
  asked = event.detail;
  mark();
});
watch('value', draw);
draw();
