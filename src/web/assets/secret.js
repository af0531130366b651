// The secret of a link lies in the part of its address after "#", which browsers do not send: it goes from there into the
// form, and out of the address and the history.
(() => {
  'use strict';
  const field = document.querySelector('[data-secret]');
  if (!field) return;
  const secret = location.hash.slice(1);
  if (secret) {
    field.value = secret;
    history.replaceState(null, '', location.pathname + location.search);
  }
  if (!field.value) return;
  for (const part of document.querySelectorAll('[data-secret-field]')) part.hidden = true;
  // Looking counts nothing, so the first button need not be pressed by hand; coming back to this page does not go on again.
  if (secret) for (const form of document.querySelectorAll('form[data-go]')) form.requestSubmit();
})();
