// Draws the Compare board (see cards.py); dom.js stands before it.
const root = element.querySelector('.compare');
const board = root.querySelector('.cards');
const sheet = root.querySelector('.next');
let lens = 'plain';
let highlightOf = ''; // the question whose lens was put on
let shown = 0; // the turn of what is shown
let ended = 0; // the turn of what the reader stopped
let picked = null; // the models that the reader chose, until they are shown
let held = false; // the reader pressed Stop, and has asked for no text since

function depthBars(card) {
  const bars = node('span', 'depth ' + card.cell);
  bars.setAttribute('aria-hidden', 'true');
  for (let layer = 1; layer <= 10; layer++) bars.append(node('i', layer <= card.depth ? '' : 'off'));
  return bars;
}

// Train and held-out perplexity on one log scale, with the mark of guessing all symbols alike. It ends at 250, or at
// that mark for an alphabet that is larger.
function dumbbell(card, labels) {
  const most = Math.max(250, card.guess);
  // In shares of the card's width, so that words keep their size at any.
  const x = (ppl) => 3 + (Math.log(Math.min(ppl, most)) / Math.log(most)) * 94 + '%';
  const svg = shape('svg', { class: 'dumbbell ' + card.cell, role: 'img', 'aria-label': card.aria });
  svg.append(shape('line', { x1: '3%', x2: '97%', y1: 28, y2: 28, class: 'axis' }));
  svg.append(shape('line', { x1: x(card.guess), x2: x(card.guess), y1: 18, y2: 38, class: 'guess' }));
  const anchor = parseFloat(x(card.guess)) > 87 ? { x: '99%', 'text-anchor': 'end' } : { x: x(card.guess), 'text-anchor': 'middle' };
  svg.append(shape('text', { ...anchor, y: 49 }, labels.guessing));
  svg.append(shape('line', { x1: x(card.train), x2: x(card.heldout), y1: 28, y2: 28, class: 'span' }));
  svg.append(shape('circle', { cx: x(card.train), cy: 28, r: 5, class: 'train' }));
  svg.append(shape('circle', { cx: x(card.heldout), cy: 28, r: 6, class: 'heldout' }));
  const left = shape('text', { x: '1%', y: 13 }, labels.train + ' ');
  left.append(shape('tspan', { class: 'v' }, card.train_text));
  const right = shape('text', { x: '99%', y: 13, 'text-anchor': 'end' }, labels.heldout + ' ');
  right.append(shape('tspan', { class: 'v' }, card.heldout_text));
  svg.append(left, right);
  return svg;
}

// How much is copied, and where in the book the copies stand.
function roteMeter(card) {
  const meter = node('div', 'rote');
  const strip = shape('svg', { viewBox: '0 0 320 14', 'aria-hidden': 'true', preserveAspectRatio: 'none' });
  strip.append(shape('rect', { x: 0, y: 2, width: 320, height: 10, class: 'book' }));
  card.places.forEach((at) => strip.append(shape('rect', { x: Math.min(at * 320, 316), y: 0, width: 4, height: 14, class: 'copy' })));
  meter.append(strip, node('p', '', card.rote));
  return meter;
}

function build(card) {
  const article = node('article', 'model-card');
  article.dataset.model = card.model;
  article.setAttribute('role', 'listitem');
  const heading = node('h3');
  heading.append(depthBars(card), node('span', '', card.title));
  const out = node('div', 'out');
  out.tabIndex = 0;
  out.setAttribute('role', 'group');
  out.setAttribute('aria-label', card.title + (given().lang === 'zh' ? '。' : '. ') + given().labels.letters);
  out.append(node('span', 'prompt'), node('span', 'text'));
  out.addEventListener('click', (event) => {
    const at = event.target.dataset && event.target.dataset.at;
    if (at !== undefined) ask(article, Number(at));
  });
  out.addEventListener('keydown', (event) => move(article, event));
  article.append(heading, node('p', 'meta', card.meta), dumbbell(card, given().labels), node('p', 'reading', card.reading));
  article.append(node('p', 'status'), out, node('div', 'foot'));
  return article;
}

const cardOf = (article) => given().cards.find((card) => card.model === article.dataset.model);

// One span a character, so that another lens is only another style.
function letters(article, card) {
  const prompt = Array.from(card.prompt);
  const text = Array.from(card.text);
  const spell = (characters, start) => characters.map((character, index) => {
    const span = node('span', '', character);
    span.dataset.at = start + index;
    return span;
  });
  const written = spell(text, prompt.length);
  card.nats?.forEach((nats, index) => written[index].style.setProperty('--heat', strength(nats).toFixed(3)));
  card.runs.forEach(([start, end, place]) => {
    for (let index = start; index < end; index++) {
      written[index].className = 'copied';
      written[index].title = place;
    }
  });
  article.querySelector('.prompt').replaceChildren(...spell(prompt, 0));
  article.querySelector('.text').replaceChildren(...written);
}

function fill(article, card) {
  article.classList.toggle('writing', card.state === 'writing');
  article.querySelector('.status').textContent = card.status;
  const out = article.querySelector('.out');
  const drawn = JSON.stringify([card.prompt, card.text, card.state === 'writing', card.runs, card.rote, !card.nats]);
  if (article.drawn === drawn) return;
  article.drawn = drawn;
  if (card.rote) letters(article, card);
  else {
    article.querySelector('.prompt').textContent = card.prompt;
    article.querySelector('.text').textContent = card.text;
  }
  if (card.state === 'writing') out.scrollTop = out.scrollHeight;
  const foot = article.querySelector('.foot');
  foot.replaceChildren();
  if (card.rote) foot.append(roteMeter(card), node('p', 'quality', card.quality));
}

// What came of texts that are being written; whoever has finished is drawn whole.
function extend(lines) {
  const pieces = given().cards.map(() => '');
  const whole = new Set();
  lines.forEach((line) => line.forEach((more, index) => {
    if (typeof more === 'string') pieces[index] += more;
    else whole.add(index);
  }));
  whole.forEach((index) => fill(board.children[index], given().cards[index]));
  const longer = [...board.children].filter((article, index) => pieces[index] && !whole.has(index));
  pieces.forEach((piece, index) => {
    if (!piece || whole.has(index)) return;
    board.children[index].drawn = null;
    const text = board.children[index].querySelector('.text');
    if (text.lastChild) text.lastChild.appendData(piece);
    else text.append(piece);
  });
  const outs = longer.map((article) => article.querySelector('.out'));
  const heights = outs.map((out) => out.scrollHeight);
  outs.forEach((out, index) => (out.scrollTop = heights[index]));
}

const isWriting = (value) => value.cards.some((card) => card.state === 'writing');

// Nobody writes any more, at once and whatever is still under way: what is shown is what stays, and what Continue continues.
function freeze() {
  held = true;
  const value = given();
  if (!value || !isWriting(value)) return;
  ended = value.turn;
  value.cards.forEach((card, index) => {
    if (card.state !== 'writing') return;
    card.state = 'stopped';
    card.status = value.labels.stopped;
    board.children[index].classList.remove('writing');
    board.children[index].querySelector('.status').textContent = card.status;
    board.children[index].drawn = null;
  });
  put(value);
}

document.addEventListener('click', (event) => {
  const pressed = event.target.closest && event.target.closest('#stop, #generate, #continue');
  if (!pressed) return;
  if (pressed.id === 'stop') freeze();
  else held = false;
}, true);

// The reader chose other models than those shown. gradio tells of a list that was emptied or shortened by a key only that
// it has changed, as it does where the page itself fills it.
root.addEventListener('picked', ({ detail: { models, changed } }) => {
  const names = given().cards.map((card) => card.model);
  if (changed && !(models.length < names.length && models.every((name) => names.includes(name)))) return;
  if (JSON.stringify(models) === JSON.stringify(picked || names)) return;
  picked = models;
  trigger('input');
});

// Whether something comes too late: from before what is shown, or of a run that the reader has stopped.
function late() {
  const text = props.value || '';
  if (!text || (carried && text.startsWith(carried))) return false;
  const value = JSON.parse(text.split('\n', 1)[0]);
  if (value.turn < shown || value.turn <= ended) return true;
  if (held && isWriting(value)) { // it was asked for before Stop, and has begun after it
    ended = value.turn;
    document.getElementById('stop').click();
    return true;
  }
  shown = value.turn;
  return false;
}

// Arrow keys walk over the characters, Enter asks what could stand there.
function move(article, event) {
  const spans = [...article.querySelectorAll('.out span[data-at]')];
  if (!spans.length || !['ArrowLeft', 'ArrowRight', 'Home', 'End', 'Enter'].includes(event.key)) return;
  if (event.ctrlKey || event.metaKey) return;
  const old = spans.findIndex((span) => span.classList.contains('at'));
  const from = old < 0 ? cardOf(article).prompt.length - 1 : old;
  const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: spans.length - 1, Enter: from }[event.key];
  const at = Math.max(0, Math.min(spans.length - 1, to));
  event.preventDefault();
  if (event.key === 'Enter') {
    ask(article, at);
    return;
  }
  if (old >= 0) spans[old].classList.remove('at');
  spans[at].classList.add('at');
  spans[at].scrollIntoView({ block: 'nearest' });
}

async function ask(article, at) {
  const { labels, cards, lang } = given();
  const card = cardOf(article);
  if (card.state === 'writing') return;
  const characters = Array.from(card.prompt + card.text);
  const context = characters.slice(0, at).join('');
  board.querySelectorAll('.at').forEach((span) => span.classList.remove('at'));
  article.querySelector(`.out span[data-at="${at}"]`).classList.add('at');
  const answer = await server.next_chars({ context, models: cards.map((one) => one.model), lang });
  const close = button('close', labels.close, closeSheet);
  const heading = node('h3', '', labels.next_title + between(lang));
  heading.append(node('code', '', '…' + characters.slice(Math.max(0, at - 28), at).map((c) => (c === '\n' ? '↵' : c)).join('')));
  const head = node('div', 'next-head');
  head.append(heading, close);
  const body = node('div', 'next-rows');
  if (answer.error) body.append(node('p', 'note', answer.error));
  else answer.rows.forEach((row) => body.append(candidates(row, context, characters[at])));
  sheet.replaceChildren(head, node('p', 'note', labels.next_branch), body);
  sheet.setAttribute('aria-label', labels.next_title);
  sheet.returnTo = article.querySelector('.out');
  sheet.hidden = false;
  close.focus({ preventScroll: true });
}

function candidates(row, context, actual) {
  const line = node('div', 'next-row');
  line.append(node('span', 'who ' + row.cell, row.title));
  const list = node('div', 'choices');
  if (row.error) list.append(node('span', 'note', row.error));
  (row.candidates || []).forEach(({ char, p }) => {
    const percent = p >= 0.0995 ? (100 * p).toFixed(0) : (100 * p).toFixed(p >= 0.001 ? 1 : 2);
    const one = button('choice' + (char === actual ? ' actual' : ''), '', () => {
      closeSheet();
      held = false;
      trigger('select', { index: 0, value: char, context: context + char });
    });
    one.append(node('b', '', visible(char)), node('i', '', percent + '%'));
    one.style.setProperty('--p', p);
    list.append(one);
  });
  line.append(list);
  return line;
}

function closeSheet() {
  if (sheet.hidden) return;
  sheet.hidden = true;
  if (sheet.returnTo) sheet.returnTo.focus({ preventScroll: true });
}
sheet.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    event.stopPropagation();
    closeSheet();
  }
});

// The address of what is shown. A question that nobody wrote for yet keeps its recordings.
function address() {
  const { cards, prompt, seed, sampling, preset, budget, lang } = given();
  const query = new URLSearchParams({ view: 'compare', lang });
  const recordings = cards.every((card) => card.state === 'recorded');
  if (preset) {
    query.set('preset', preset);
    query.set('budget', budget);
  } else query.set('models', listed(cards.map((card) => card.model)));
  if (!recordings) {
    const length = Math.max(...cards.map((card) => Array.from(card.text).length), 1);
    const set = { prompt, seed, temperature: sampling.temperature, top_k: sampling.top_k, top_p: sampling.top_p, length };
    for (const [name, value] of Object.entries(set)) query.set(name, value);
  }
  return window.location.origin + window.location.pathname + '?' + query;
}

async function copyLink(event) {
  const { labels } = given();
  const pressed = event.currentTarget;
  const link = address();
  await copy(link, pressed, labels.link_copied);
}

async function exportAs(kind) {
  const value = given();
  const file = await server.exported({ kind, value, lang: value.lang });
  if (file.error) window.alert(file.error);
  else save(file.name, file.mime, file.text);
}

// The figures of a saved comparison are found anew: they are ten times as long as its texts.
function withoutFigures(text) {
  try {
    const value = JSON.parse(text);
    value.cards.forEach((card) => delete card.figures);
    return JSON.stringify(value);
  } catch (broken) {
    return text; // the server says what is wrong with it
  }
}

function openFile() {
  const picker = node('input');
  picker.type = 'file';
  picker.accept = '.json,application/json';
  picker.addEventListener('change', async () => {
    if (picker.files.length) trigger('upload', { text: withoutFigures(await picker.files[0].text()) });
  });
  picker.click();
}

function bar() {
  const { labels } = given();
  const lenses = node('div', 'lenses');
  lenses.append(node('span', '', labels.show));
  const entries = ['plain', 'surprise', 'copied'].map((name) => [name, labels['lens_' + name]]);
  lenses.append(segments(entries, lens, (name) => {
    lens = name;
    applyHighlight();
  }));
  const key = node('span', 'key');
  if (lens === 'surprise') key.append(node('span', '', labels.heat_scale), node('i', 'ramp'), node('span', '', labels.heat_scale_high));
  if (lens === 'copied') key.append(node('span', 'copied', labels.copied_hint));
  lenses.append(key);
  const tools = node('div', 'tools');
  tools.append(button('', labels.copy_link, copyLink), node('span', '', labels.export));
  [['json', 'JSON'], ['csv', 'CSV'], ['md', 'Markdown']].forEach(([kind, text]) => tools.append(button('', text, () => exportAs(kind))));
  tools.append(button('', labels.open_file, openFile));
  return [lenses, tools];
}

function applyHighlight() {
  root.dataset.lens = lens;
  root.querySelector('.bar').replaceChildren(...bar());
}

function draw() {
  if (late()) {
    props.value = carried;
    return;
  }
  const lines = news();
  if (lines) {
    if (lines.length) extend(lines);
    return;
  }
  picked = null;
  const value = given() || { cards: [], labels: {} };
  const question = value.preset + ' ' + value.budget;
  if (value.lens && question !== highlightOf) lens = value.lens;
  highlightOf = question;
  const applied = JSON.stringify([lens, value.lang]);
  if (root.dataset.applied !== applied) {
    root.dataset.applied = applied;
    applyHighlight();
  }
  const signature = JSON.stringify(value.cards.map((card) => [card.model, card.title, card.meta, card.reading]));
  if (board.dataset.signature !== signature || !board.children.length) {
    board.dataset.signature = signature;
    board.replaceChildren(...value.cards.map(build));
    if (!value.cards.length && value.labels.no_models) board.append(node('p', 'empty', value.labels.no_models));
    sheet.hidden = true;
  }
  value.cards.forEach((card, index) => fill(board.children[index], card));
  const verdict = root.querySelector('.verdict');
  verdict.hidden = !(value.verdict || value.note);
  verdict.replaceChildren();
  if (value.verdict) verdict.append(node('b', '', value.labels.seen + between(value.lang)), value.verdict + between(value.lang));
  if (value.note) verdict.append(node('span', 'note', value.note));
}

watch('value', draw);
draw();
