// Rows of documents that are being read, kept fresh: an event from the server asks for them again, and a slow clock does
// where events do not arrive. The rows themselves come from the server, in its words.
(() => {
  'use strict';
  const rows = document.querySelector('[data-progress]');
  if (!rows) return;
  let asking = false;
  let again = false;

  const ids = () => [...rows.querySelectorAll('[data-document]')].map((row) => row.dataset.document);
  const pending = () => rows.querySelector('[data-pending]') !== null;

  async function refresh() {
    if (asking) { again = true; return; }
    const wanted = ids();
    if (!wanted.length) return;
    asking = true;
    try {
      const answer = await fetch(`/unggah/baris?${wanted.map((id) => `dok=${id}`).join('&')}`);
      if (answer.ok) replace(await answer.text());
    } catch {
      // The link is down: the next tick asks again.
    }
    asking = false;
    if (again) { again = false; refresh(); }
  }

  function replace(html) {
    const fresh = new DOMParser().parseFromString(html, 'text/html');
    for (const row of fresh.querySelectorAll('[data-document]')) {
      const old = rows.querySelector(`[data-document="${row.dataset.document}"]`);
      if (old && old.outerHTML !== row.outerHTML) old.replaceWith(row);
    }
  }

  // A new row, for a document that a script of this page has brought in.
  rows.addEventListener('lumbung:document', (event) => {
    const row = document.createElement('li');
    row.dataset.document = event.detail;
    row.dataset.pending = '';
    rows.prepend(row);
    refresh();
  });

  const events = new EventSource('/api/v1/events');
  events.addEventListener('document', (event) => {
    if (ids().includes(JSON.parse(event.data).document)) refresh();
  });
  events.addEventListener('open', refresh);
  window.addEventListener('online', refresh);
  window.addEventListener('pagehide', () => events.close());
  setInterval(() => { if (pending() && !document.hidden) refresh(); }, 3000);
})();
