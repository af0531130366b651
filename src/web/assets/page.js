// What every page may have: "/" focuses the search box, copy buttons, forms that go once, the strength hint, the language
// switch. Each page works without it.
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

  // The summary of mistakes is read out first.
  const mistakes = document.querySelector('.mistakes');
  if (mistakes) mistakes.focus();

  for (const form of all('form[data-once]')) {
    form.addEventListener('submit', () => {
      setTimeout(() => form.querySelectorAll('button').forEach((button) => { button.disabled = true; }));
    });
  }
  // Back from the browser's memory: buttons work again.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) all('button[disabled]').forEach((button) => { button.disabled = false; });
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

  // Reloading instead of posting keeps the part of an address after "#".
  for (const form of all('form[data-language]')) {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const secret = document.querySelector('[data-secret]');
      if (secret && secret.value) history.replaceState(null, '', `${location.pathname}${location.search}#${secret.value}`);
      document.cookie = `lang=${event.submitter.value}; Path=/; SameSite=Lax; Max-Age=31536000`;
      location.reload();
    });
  }

  for (const opener of all('details.me')) {
    document.addEventListener('click', (event) => { if (!opener.contains(event.target)) opener.open = false; });
    opener.addEventListener('keydown', (event) => { if (event.key === 'Escape') opener.open = false; });
  }
})();
