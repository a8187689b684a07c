// The page loads this before gradio's own script, whose code finds each module by its name here (see scripts.py).
import * as compare from './compare/cards.js';
import * as live from './compare/live.js';
import * as questions from './compare/questions.js';
import * as inside from './inside/inside.js';
import * as score from './score/score.js';
import * as address from './shared/address.js';
import * as drafts from './shared/drafts.js';
import * as fixed from './shared/fixed.js';
import * as foot from './shared/foot.js';
import * as link from './shared/link.js';
import * as own from './shared/own.js';
import * as page from './shared/page.js';
import * as picker from './shared/picker.js';
import * as views from './shared/views.js';

Object.assign(globalThis, {
  deeprnn: {
    address,
    compare,
    drafts,
    fixed,
    foot,
    inside,
    link,
    live,
    own,
    page,
    picker,
    questions,
    score,
    views,
  },
});
address.start();
drafts.start();
