// Uploads that survive a weak link: tus in pieces, going on where they stopped, also after the page was closed and the same
// file is chosen again. Photographs of several pages become one PDF. Without this script the form posts as it stands.
(() => {
  'use strict';
  const form = document.querySelector('form[data-upload]');
  if (!form) return;
  const say = form.dataset;
  const picker = form.querySelector('input[name=file]');
  const camera = document.querySelector('[data-camera]');
  const drop = document.querySelector('[data-drop]');
  const chosenList = document.querySelector('[data-chosen]');
  const sendingList = document.querySelector('[data-sending]');
  const shotsBox = document.querySelector('[data-shots-box]');
  const shotsList = document.querySelector('[data-shots]');
  const rows = document.querySelector('[data-progress]');
  const PIECE = 4 << 20;
  const AT_ONCE = 2;
  let chosen = [];
  let shots = [];

  const element = (name, props = {}, ...children) => {
    const made = Object.assign(document.createElement(name), props);
    made.append(...children);
    return made;
  };
  const size = (bytes) => {
    const [value, unit] = bytes >= 1e6 ? [bytes / 1e6, 'MB'] : [bytes / 1e3, 'kB'];
    return `${value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })} ${unit}`;
  };
  const button = (text, label, action) => {
    const made = element('button', { type: 'button', className: 'second', textContent: text, onclick: action });
    made.setAttribute('aria-label', label);
    return made;
  };

  // -- choosing ---------------------------------------------------------------------------------------------------
  function choose(files) {
    for (const file of files) {
      const known = chosen.some((one) => one.name === file.name && one.size === file.size);
      if (!known) chosen.push(file);
    }
    showChosen();
  }

  function showChosen() {
    chosenList.replaceChildren(...chosen.map((file) => {
      const drop = button(say.remove, `${say.remove} ${file.name}`, () => { chosen = chosen.filter((one) => one !== file); showChosen(); });
      const begun = resumable(file, false) ? ` · ${say.begun}` : '';
      const about = element('span', {}, element('strong', { textContent: file.name }), element('br'), element('span', { className: 'meta', textContent: size(file.size) + begun }));
      return element('li', {}, element('div', { className: 'row' }, about, drop));
    }));
    picker.required = chosen.length === 0 && shots.length === 0;
  }

  picker.addEventListener('change', () => { choose(picker.files); picker.value = ''; });
  for (const kind of ['dragenter', 'dragover']) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add('over'); });
  }
  for (const kind of ['dragleave', 'drop']) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove('over'); });
  }
  drop.addEventListener('drop', (event) => choose(event.dataTransfer.files));

  // -- photographs ------------------------------------------------------------------------------------------------
  const shoot = document.querySelector('[data-shoot]');
  shoot.hidden = false;
  shoot.addEventListener('click', () => camera.click());
  camera.addEventListener('change', () => {
    for (const file of camera.files) shots.push({ file, turn: 0 });
    camera.value = '';
    showShots();
  });

  function showShots() {
    shotsBox.hidden = shots.length === 0;
    shotsList.replaceChildren(...shots.map((shot, at) => {
      const canvas = element('canvas', { width: 240, height: 240 });
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', `${say.page} ${at + 1}`);
      draw(canvas, shot);
      const turn = button('↻', `${say.turn} ${at + 1}`, () => { shot.turn = (shot.turn + 90) % 360; showShots(); });
      const away = button('✕', `${say.remove} ${say.page} ${at + 1}`, () => { shots.splice(at, 1); showShots(); });
      const earlier = button('←', `${say.earlier} ${at + 1}`, () => { if (at) { shots.splice(at - 1, 0, ...shots.splice(at, 1)); showShots(); } });
      return element('li', {}, canvas, element('p', { className: 'meta', textContent: `${say.page} ${at + 1}` }), element('div', { className: 'row' }, earlier, turn, away));
    }));
    showChosen();
  }

  async function draw(canvas, shot) {
    try {
      const picture = await createImageBitmap(shot.file);
      const scale = 240 / Math.max(picture.width, picture.height);
      const pen = canvas.getContext('2d');
      pen.translate(120, 120);
      pen.rotate(shot.turn * Math.PI / 180);
      pen.drawImage(picture, -picture.width * scale / 2, -picture.height * scale / 2, picture.width * scale, picture.height * scale);
    } catch {
      // A kind of picture that the browser cannot show is still uploaded.
    }
  }

  // -- sending ----------------------------------------------------------------------------------------------------
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!chosen.length && !shots.length) return;
    const details = metadata(chosen.length + (shots.length ? 1 : 0) === 1);
    const jobs = chosen.map((file) => () => one(file, details));
    if (shots.length) { const taken = shots; jobs.push(() => bound(taken, details)); }
    chosen = [];
    shots = [];
    showShots();
    const worker = async () => { while (jobs.length) await jobs.shift()(); };
    for (let at = 0; at < AT_ONCE; at += 1) worker();
    sendingList.scrollIntoView({ block: 'center' });
  });

  function metadata(alone) {
    const details = {};
    for (const [name, value] of new FormData(form)) {
      const text = typeof value === 'string' ? value.trim() : '';
      if (text && (name !== 'title' || alone)) details[name] = text;
    }
    return details;
  }

  async function one(file, details) {
    const row = sending(file.name);
    try {
      const { document: id } = await send(file, details, false, row);
      done(id, row);
    } catch (cause) {
      row.failed(cause, () => one(file, details));
    }
  }

  async function bound(taken, details) {
    const row = sending(`${say.photos} (${taken.length})`);
    try {
      const uploads = [];
      for (const [at, shot] of taken.entries()) {
        const { url } = await send(shot.file, {}, true, row, at / taken.length, 1 / taken.length);
        uploads.push({ id: url.split('/').pop(), turn: shot.turn });
      }
      const answer = await fetch('/api/v1/documents/from-uploads', {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ metadata: details, uploads }),
      });
      if (!answer.ok) throw new Refused(await problem(answer));
      for (const shot of taken) forget(shot.file, true);
      done((await answer.json()).id, row);
    } catch (cause) {
      row.failed(cause, () => bound(taken, details));
    }
  }

  function sending(name) {
    const bar = element('progress', { max: 1, value: 0 });
    bar.setAttribute('aria-label', name);
    const text = element('p', { className: 'meta', textContent: say.sending });
    text.setAttribute('role', 'status');
    const item = element('li', {}, element('strong', { textContent: name }), bar, text);
    sendingList.append(item);
    return {
      item,
      at(part) { bar.value = part; },
      told(message) { text.textContent = message; },
      failed(cause, repeat) {
        text.textContent = cause instanceof Refused ? cause.message : say.failed;
        text.className = 'mistake';
        item.append(button(say.again, `${say.again} ${name}`, () => { item.remove(); repeat(); }));
      },
    };
  }

  function done(id, row) {
    row.item.remove();
    const address = new URL(location.href);
    address.searchParams.append('dok', id);
    history.replaceState(null, '', address);
    document.querySelector('[data-progress-box]').hidden = false;
    rows.dispatchEvent(new CustomEvent('lumbung:document', { detail: id }));
  }

  // -- tus --------------------------------------------------------------------------------------------------------
  class Refused extends Error {}
  const key = (file, held) => `lumbung:${say.office}:${held}:${file.name}:${file.size}:${file.lastModified}`;
  const resumable = (file, held) => localStorage.getItem(key(file, held));
  const forget = (file, held) => localStorage.removeItem(key(file, held));

  async function send(file, details, held, row, from = 0, share = 1) {
    let url = resumable(file, held);
    let wait = 1;
    for (;;) {
      try {
        let state = url && await head(url);
        if (!state) {
          url = await create(file, details, held);
          localStorage.setItem(key(file, held), url);
          state = { offset: 0 };
        }
        while (!state.document && state.offset < file.size) {
          state = await patch(url, file, state.offset, (sent) => {
            row.at(from + share * sent / file.size);
            row.told(`${say.sending} ${Math.floor(100 * (from + share * sent / file.size))} %`);
          });
          wait = 1;
        }
        row.at(from + share);
        if (!held) forget(file, held);
        return { url, document: state.document };
      } catch (cause) {
        if (cause instanceof Refused) throw cause;
        row.told(say.waiting);
        await pause(wait);
        wait = Math.min(wait * 2, 30);
      }
    }
  }

  async function create(file, details, held) {
    const pairs = { filename: file.name, metadata: JSON.stringify(details), ...(held ? { hold: '1' } : {}) };
    const encoded = Object.entries(pairs).map(([name, value]) => `${name} ${base64(value)}`).join(',');
    const answer = await fetch('/api/v1/uploads', {
      method: 'POST', headers: { 'Tus-Resumable': '1.0.0', 'Upload-Length': file.size, 'Upload-Metadata': encoded },
    });
    if (answer.status >= 500 || answer.status === 429) throw new Error(answer.status);
    if (!answer.ok) throw new Refused(await problem(answer));
    return new URL(answer.headers.get('Location'), location.href).pathname;
  }

  async function head(url) {
    const answer = await fetch(url, { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
    if (answer.status === 401) throw new Refused(say.session);
    // The server knows it no more, or cannot go on with it: it is begun again.
    if ([404, 410].includes(answer.status)) return null;
    if (!answer.ok) throw new Error(answer.status);
    return { offset: Number(answer.headers.get('Upload-Offset')), document: answer.headers.get('Lumbung-Document') };
  }

  // fetch tells nothing while a body goes out; this does.
  function patch(url, file, offset, progress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open('PATCH', url);
      request.setRequestHeader('Tus-Resumable', '1.0.0');
      request.setRequestHeader('Upload-Offset', offset);
      request.setRequestHeader('Content-Type', 'application/offset+octet-stream');
      request.upload.onprogress = (event) => progress(offset + event.loaded);
      request.onerror = () => reject(new Error('link'));
      request.onload = () => {
        if (request.status === 204) {
          return resolve({ offset: Number(request.getResponseHeader('Upload-Offset')), document: request.getResponseHeader('Lumbung-Document') });
        }
        if (request.status === 401) return reject(new Refused(say.session));
        // What a fresh look at the offset, or another try, can mend.
        if ([404, 409, 410, 423, 429, 460].includes(request.status) || request.status >= 500) return reject(new Error(request.status));
        let detail = say.failed;
        try { detail = JSON.parse(request.responseText).detail; } catch { /* no problem document */ }
        return reject(new Refused(detail));
      };
      request.send(file.slice(offset, offset + PIECE));
    });
  }

  async function problem(answer) {
    if (answer.status === 401) return say.session;
    try {
      const told = await answer.json();
      return (told.errors && told.errors.length ? told.errors.map((one) => one.detail).join(' ') : told.detail) || say.failed;
    } catch {
      return say.failed;
    }
  }

  // Until the time is over, or the link is back.
  const pause = (seconds) => new Promise((resume) => {
    const go = () => { clearTimeout(timer); window.removeEventListener('online', go); resume(); };
    const timer = setTimeout(go, seconds * 1000);
    window.addEventListener('online', go);
  });

  function base64(text) {
    return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  }

  showChosen();
})();
