// Who a visitor is: a random id of 128 bits in a cookie. It is made when it is first needed, to train a model, and serves
// for nothing else. The server's side is visitor.py.

const COOKIE = 'deeprnn-visitor';

/** Makes the id of this visitor, unless there is one. It is gone when the browser is closed. */
export function identify() {
  if (new RegExp(`(^|; )${COOKIE}=[0-9a-f]{32}(;|$)`).test(document.cookie)) return;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const framed = window.top !== window && location.protocol === 'https:'; // as in a Space: another site's page is around
  const rules = framed ? 'SameSite=None; Secure; Partitioned' : 'SameSite=Lax';
  document.cookie = `${COOKIE}=${id}; Path=${new URL('.', location.href).pathname}; ${rules}`;
}
