// What every page may have: "/" focuses the search box, suggestions, copy buttons, forms that go once, the strength hint,
// the language switch. Each page works without it.
(() => {
  'use strict';
  const all = (selector) => document.querySelectorAll(selector);
  document.documentElement.classList.add('js');

  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest && event.target.closest('input, textarea, select, [contenteditable]');
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const box = document.getElementById('q');
    if (event.key === '/' && box) {
      event.preventDefault();
      box.focus();
      box.select();
      return;
    }
    const way = { ArrowRight: 'next', ArrowLeft: 'prev', n: 'next-hit', p: 'prev-hit' }[event.key];
    const link = way && document.querySelector(`[data-way="${way}"]`);
    if (link) link.click();
  });

  // The summary of mistakes is read out first; its links go into the field, also where it is a group of choices.
  const mistakes = document.querySelector('.mistakes');
  if (mistakes) {
    mistakes.focus();
    mistakes.addEventListener('click', (event) => {
      const link = event.target.closest('a[href^="#"]');
      const place = link && document.getElementById(link.hash.slice(1));
      if (!place) return;
      event.preventDefault();
      for (let fold = place.closest('details'); fold; fold = fold.parentElement.closest('details')) fold.open = true;
      const field = place.matches('input, select, textarea') ? place : place.querySelector('input:checked, input:enabled, select, textarea');
      (field || place).scrollIntoView({ block: 'center' });
      if (field) field.focus({ preventScroll: true });
    });
  }
  for (const told of all('.mistake[id$="-salah"]')) {
    const field = document.getElementById(told.id.slice(0, -'-salah'.length));
    if (!field) continue;
    const hints = field.getAttribute('aria-describedby');
    field.setAttribute('aria-describedby', hints ? `${hints} ${told.id}` : told.id);
    if (field.matches('input, select, textarea')) field.setAttribute('aria-invalid', 'true');
  }

  // Suggestions come from what this person may find; choosing one asks for it.
  const box = document.querySelector('[data-suggest]');
  if (box) {
    const list = document.getElementById(box.getAttribute('list'));
    let turn = 0;
    let timer;
    const suggest = async (text) => {
      const mine = ++turn;
      try {
        const answer = await fetch(`/api/v1/search/suggest?q=${encodeURIComponent(text)}`);
        if (!answer.ok || mine !== turn) return;
        const { items } = await answer.json();
        list.replaceChildren(...items.map((item) => {
          const option = document.createElement('option');
          option.value = item.text;
          option.label = `${item.text} (${item.count})`;
          return option;
        }));
      } catch {
        // Without the link there are no suggestions, and the question can still be typed.
      }
    };
    box.addEventListener('input', (event) => {
      clearTimeout(timer);
      const text = box.value.trim();
      if (event.inputType === 'insertReplacementText') return box.form.requestSubmit();
      if (text.length < 2 || text.length > 200) return list.replaceChildren();
      timer = setTimeout(() => suggest(text), 200);
    });
  }

  for (const form of all('form[data-once]')) {
    form.addEventListener('submit', (event) => {
      const pressed = event.submitter;
      if (pressed && pressed.dataset.busy) pressed.textContent = pressed.dataset.busy;
      setTimeout(() => form.querySelectorAll('button').forEach((button) => { button.disabled = true; }));
    });
  }
  // Back from the browser's memory: who logged out since then must not see the page, and buttons work again.
  window.addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    if (document.querySelector('form[action="/keluar"]')) location.reload();
    all('button[disabled]').forEach((button) => { button.disabled = false; });
  });

  for (const button of all('[data-copy]')) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      const source = document.getElementById(button.dataset.copy);
      const text = source.value === undefined ? source.textContent : source.value;
      const before = button.textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = button.dataset.done;
      } catch {
        if (source.select) source.select();
      }
      setTimeout(() => { button.textContent = before; }, 2500);
    });
  }

  for (const input of all('[data-strength]')) {
    const hint = document.getElementById(input.dataset.strength);
    input.addEventListener('input', () => {
      const text = input.value;
      const kinds = new Set(text).size;
      const good = text.length >= 16 && kinds >= 8;
      const fair = text.length >= (input.minLength || 10) && kinds >= 6;
      hint.textContent = text ? (good ? hint.dataset.good : fair ? hint.dataset.fair : hint.dataset.weak) : '';
    });
  }

  // Asking for the page again, instead of posting, keeps the part of an address after "#".
  for (const form of all('form[data-language]')) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const lang = event.submitter.value;
      document.cookie = `lang=${lang}; Path=/; SameSite=Lax; Max-Age=31536000`;
      const here = form.elements.kembali.value;
      const secret = document.querySelector('[data-secret], [data-kept]');
      // With another query it is another page, so that the browser loads it and does not only scroll.
      location.replace(secret && secret.value ? `${here.split('?')[0]}?bahasa=${lang}#${secret.value}` : here);
    });
  }

  for (const opener of all('details.me')) {
    document.addEventListener('click', (event) => { if (!opener.contains(event.target)) opener.open = false; });
    opener.addEventListener('keydown', (event) => { if (event.key === 'Escape') opener.open = false; });
  }
})();
