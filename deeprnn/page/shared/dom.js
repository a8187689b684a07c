// What every drawing of the page is made with. Text only ever enters the page through textContent.
const SVG = 'http://www.w3.org/2000/svg';

// The value to be drawn, out of the text that carries it (see `Drawing` in widgets.py). A text that has only grown is read
// from where it ended before.
let carried = '', parsed = null;
let added = null; // what was added to its cards since `news` was last asked for; null: it is another value
function given() {
  const text = props.value || '';
  if (text === carried) return parsed;
  const grown = carried !== '' && text.startsWith(carried);
  if (!grown) parsed = null;
  for (const line of (grown ? text.slice(carried.length) : text).split('\n')) {
    const one = line && JSON.parse(line);
    if (Array.isArray(one)) {
      one.forEach((more, index) => {
        if (typeof more === 'string') parsed.cards[index].text += more;
        else parsed.cards[index] = more;
      });
      if (added) added.push(one);
    } else if (one) {
      parsed = one;
      added = null;
    }
  }
  carried = text;
  return parsed;
}

function news() {
  given();
  const found = added;
  added = [];
  return found;
}

// Let another value stand for what is drawn.
function put(value) {
  parsed = value;
  carried = props.value = JSON.stringify(value);
}

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

function button(className, text, press) {
  const made = node('button', className, text);
  made.type = 'button';
  made.addEventListener('click', press);
  return made;
}

// Models as an address lists them: commas stand between names, so that one inside a name is written as %2C.
function listed(names) {
  return names.map((name) => name.replace(/[%,]/g, encodeURIComponent)).join(',');
}

// One of several, pressed.
function segments(entries, chosen, choose) {
  const made = node('div', 'segments');
  entries.forEach(([value, text]) => {
    const one = button(value === chosen ? 'on' : '', text, () => choose(value));
    one.setAttribute('aria-pressed', value === chosen);
    made.append(one);
  });
  return made;
}

// A table that scrolls sideways where it must; the first cell of a row names it. `dress(line, index)` adds a row's looks.
function tableOf(columns, rows, dress = () => {}) {
  const made = node('table', 'scores');
  const line = (cells, scoped) => {
    const row = node('tr');
    cells.forEach((text, index) => {
      const heading = scoped === 'col' || index === 0;
      const cell = node(heading ? 'th' : 'td', '', text);
      if (heading) cell.scope = scoped;
      row.append(cell);
    });
    return row;
  };
  const head = node('thead'), body = node('tbody');
  head.append(line(columns, 'col'));
  rows.forEach((cells, index) => {
    const row = line(cells, 'row');
    dress(row, index);
    body.append(row);
  });
  made.append(head, body);
  const frame = node('div', 'scroll');
  frame.tabIndex = 0;
  frame.append(made);
  return frame;
}

// Draws into `made` at the width that it has, and again when that changes: the units of a picture are the screen's pixels,
// so its words keep their size. `draw(width, again)` gives what is drawn. In a tab that is not open it waits.
function sized(made, draw) {
  const ruler = node('div'), place = node('div'); // as wide as what is drawn, but no part of its height
  let width = 0;
  const again = () => place.replaceChildren(...draw(width, again));
  new ResizeObserver(() => {
    if (!ruler.clientWidth || ruler.clientWidth === width) return;
    width = ruler.clientWidth;
    again();
  }).observe(ruler);
  made.append(ruler, place);
  return made;
}

// Reads what is under a mouse or a finger. A finger's touch moves nothing, and holds on to where it came down.
function pointed(place, read) {
  place.addEventListener('pointerdown', (event) => {
    if (event.target.hasPointerCapture(event.pointerId)) event.target.releasePointerCapture(event.pointerId);
    read(event);
  });
  place.addEventListener('pointermove', read);
}

// Lines are told apart by more than their colour.
const dash = (index) => ['none', '7 3', '2 3', '10 3 2 3', '4 2', '1 2', '12 4', '6 2 2 2'][index % 8];

// What stands between two sentences, or after a label, of a language.
const between = (lang) => (lang === 'zh' ? '' : ' ');

// A label with its {places} filled in.
const filled = (label, places) => Object.entries(places).reduce((text, [name, value]) => text.replace(`{${name}}`, () => value), label);

// Unprinted characters, to be seen.
const visible = (character) => ({ '\n': '↵', ' ': '␣' })[character] || character;

// 0 nats is white; 6 nats, one in 400, is full colour.
const strength = (nats) => Math.min(nats / 6, 1);

function save(name, mime, content) {
  const link = node('a');
  link.href = URL.createObjectURL(new Blob([content], { type: mime }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// Copies a text and says so on the button for two seconds. Without the right to the clipboard (http, a frame) the text
// is selected and copied as by hand; where that fails too, the reader copies it out of a box.
async function copy(text, pressed, done) {
  const label = pressed.textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch (refused) {
    const box = node('textarea');
    box.value = text;
    document.body.append(box);
    box.select();
    const copied = document.execCommand('copy');
    box.remove();
    if (!copied) {
      window.prompt(label, text);
      return;
    }
  }
  pressed.textContent = done;
  setTimeout(() => (pressed.textContent = label), 2000);
}
