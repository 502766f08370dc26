// The one script of the console. Every page works without it, but for live progress, counts and large files that go on
// where they broke off.
'use strict';

const csrf = () => document.querySelector('meta[name=csrf]')?.content ?? '';

// The link of the terminal has its code behind a `#`, which no browser sends: it is taken out of the address bar first.
const signIn = () => {
  const form = document.querySelector('#token-form');
  const code = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!form || !code) return;
  history.replaceState(null, '', location.pathname);
  form.elements.token.value = code;
  form.submit();
};

// Characters as TikTok counts them: UTF-16 units, which is what a string's length is here.
const counts = () => {
  const units = document.querySelector('#texts')?.dataset.units ?? '/';
  for (const field of document.querySelectorAll('[data-count]')) {
    const shown = document.querySelector(`[data-count-of="${field.id}"]`);
    const most = Number(field.dataset.count);
    const tell = () => {
      shown.textContent = `${field.value.length} ${units} ${most}`;
      shown.classList.toggle('error', field.value.length > most);
    };
    field.addEventListener('input', tell);
    // Going back, a browser fills in what was typed after all scripts have run.
    addEventListener('pageshow', tell);
    tell();
  }
};

// TikTok's rules for commercial content, while the form is filled in. The server holds it to the same.
const disclosure = () => {
  const form = document.querySelector('#compose');
  if (!form) return;
  const texts = document.querySelector('#texts').dataset;
  const { disclose, brand_organic: own, brand_content: branded, privacy_level: privacy } = form.elements;
  const brandedNote = document.querySelector('#brand_content-note');
  const publish = document.querySelector('#publish');
  const wrap = document.querySelector('#publish-wrap');
  const why = document.querySelector('#publish-why');
  const note = document.querySelector('#privacy-note');
  const onlyMe = privacy.querySelector('option[value=SELF_ONLY]');
  const hold = () => {
    const isDraft = form.elements.mode.value === 'draft';
    const isBranded = disclose.checked && branded.checked;
    if (onlyMe) {
      onlyMe.disabled = isBranded;
      onlyMe.title = isBranded ? texts.private : '';
      note.textContent = isBranded ? texts.private : '';
      if (isBranded && privacy.value === 'SELF_ONLY') {
        privacy.value = '';
        note.textContent = texts.cleared;
      }
    }
    privacy.title = isBranded ? texts.private : '';
    // The other way round: what is private cannot become branded content, nor is it made public by itself.
    const isPrivate = privacy.value === 'SELF_ONLY' && !branded.checked;
    branded.disabled = isPrivate;
    branded.closest('label').classList.toggle('off', isPrivate);
    branded.closest('label').title = isPrivate ? texts.unbranded : '';
    brandedNote.textContent = isPrivate ? texts.unbranded : '';
    const nobody = !isDraft && disclose.checked && !own.checked && !branded.checked;
    publish.disabled = nobody;
    wrap.title = nobody ? texts.nobody : '';
    why.textContent = nobody ? texts.nobody : '';
  };
  form.addEventListener('change', hold);
  addEventListener('pageshow', hold);
  hold();
  // Once is enough, unless somebody comes back to the page, or goes on with it.
  const isOpen = () => delete form.dataset.sent;
  addEventListener('pageshow', isOpen);
  form.addEventListener('input', isOpen);
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
  const video = document.querySelector('#preview video');
  const cover = document.querySelector('[data-cover]');
  if (video && cover) {
    cover.hidden = false;
    cover.addEventListener('click', () => {
      form.elements.cover_ms.value = Math.round(video.currentTime * 1000);
    });
  }
};

// What is typed is kept as it is typed, so that nobody loses it with a session that ends or a page that is left.
const AFTER = 1000;

const keeping = () => {
  const form = document.querySelector('#compose');
  if (!form) return;
  const texts = document.querySelector('#texts').dataset;
  const kept = document.querySelector('#kept');
  let timer;
  let isChanged = false;
  const tell = (words, isSignedOut) => {
    kept.querySelector('span').textContent = words;
    kept.querySelector('a').hidden = !isSignedOut;
    kept.hidden = false;
  };
  // Not `form.action`, which are its buttons of that name.
  const send = (keepalive) => {
    // One that is overtaken by a later one changes nothing.
    form.elements.turn.value = Number(form.elements.turn.value) + 1;
    return fetch(form.getAttribute('action'), {
      method: 'POST',
      headers: { 'x-csrf-token': csrf(), 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(new FormData(form)),
      keepalive,
    });
  };
  // Somebody may have signed in in another tab: the page goes on with that session.
  const renew = async () => {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const token = page.querySelector('meta[name=csrf]')?.content;
    if (!token) return false;
    document.querySelector('meta[name=csrf]').content = token;
    for (const field of document.querySelectorAll('input[name=csrf]')) field.value = token;
    return true;
  };
  const isOut = (answer) => answer.status === 401 || answer.status === 403;
  const save = async (isLast) => {
    clearTimeout(timer);
    if (!isChanged || form.dataset.sent) return;
    isChanged = false;
    try {
      let answer = await send(isLast);
      const hasSession = !isOut(answer) || await renew();
      if (isOut(answer) && hasSession) answer = await send(isLast);
      if (answer.status === 204) {
        kept.hidden = true;
        return;
      }
      isChanged = true;
      if (!hasSession) tell(texts.signIn, true);
      else tell(`${texts.keptNot} ${await wordsOf(answer, '')}`, false);
    } catch (error) {
      isChanged = true;
      tell(`${texts.keptNot} ${error.message}`, false);
    }
  };
  form.addEventListener('input', () => {
    isChanged = true;
    clearTimeout(timer);
    timer = setTimeout(() => save(false), AFTER);
  });
  addEventListener('focus', () => save(false));
  addEventListener('pagehide', () => save(true));
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') save(true);
  });
  addEventListener('beforeunload', (event) => {
    if (!kept.hidden && isChanged && !form.dataset.sent) event.preventDefault();
  });
};

// A photo that does not come is told: its address may lead nowhere.
const photos = () => {
  const texts = document.querySelector('#texts')?.dataset;
  for (const photo of document.querySelectorAll('.carousel img')) {
    const tell = () => {
      const caption = photo.closest('figure').querySelector('figcaption');
      caption.textContent = `${caption.textContent}: ${texts.noPhoto}`;
      caption.classList.add('error');
    };
    if (photo.complete && photo.naturalWidth === 0) tell();
    else photo.addEventListener('error', tell);
  }
};

// A file in pieces, each of which begins where the last one ended.
const PIECE = 10 * 1024 * 1024;
const TRIES = 8;

// What a later try may mend: a slow or broken network, another sender, a server at its limits.
const mayPass = (status) => status === 408 || status === 409 || status >= 500;

// What an answer says in words, if it does: pages are not for this place.
const wordsOf = async (answer, otherwise) => {
  const isText = answer.headers.get('content-type')?.startsWith('text/plain');
  const words = isText ? await answer.text() : '';
  return words || `${otherwise} (HTTP ${answer.status})`.trim();
};

// How much of the file is there.
const offsetOf = (form, answer) => {
  const offset = answer.headers.get('upload-offset') ?? '';
  if (!/^[0-9]+$/.test(offset)) throw Object.assign(new Error(form.dataset.stopped), { isFinal: true });
  return Number(offset);
};

// Takes an answer for what it is: good, or an error that tells whether to go on.
const checked = async (form, answer) => {
  if (answer.status === 204) return answer;
  throw Object.assign(new Error(await wordsOf(answer, form.dataset.stopped)), { isFinal: !mayPass(answer.status) });
};

const sendFile = async (form, file, tell) => {
  const headers = { 'x-csrf-token': csrf() };
  const begun = await fetch('/compose', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ csrf: csrf(), source: 'upload', account: form.elements.account.value, name: file.name, size: file.size }),
  });
  if (begun.status !== 201) throw new Error(await wordsOf(begun, form.dataset.stopped));
  const page = begun.headers.get('location');
  let at = 0;
  let failed = 0;
  while (at < file.size) {
    try {
      // After a failure the server says where to go on.
      if (failed > 0) {
        const there = await fetch(`${page}/file`, { method: 'HEAD', headers });
        at = offsetOf(form, await checked(form, there));
        if (at >= file.size) break;
      }
      const answer = await fetch(`${page}/file?offset=${at}`, { method: 'PUT', headers, body: file.slice(at, at + PIECE) });
      at = offsetOf(form, await checked(form, answer));
      failed = 0;
    } catch (error) {
      failed += 1;
      if (error.isFinal || failed >= TRIES) throw error;
      await new Promise((go) => setTimeout(go, 500 * 2 ** failed));
    }
    tell(at, file.size);
  }
  location.assign(page);
};

const uploads = () => {
  const form = document.querySelector('[data-upload]');
  if (!form) return;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const file = form.elements.file.files[0];
    if (!file) return;
    const shown = form.querySelector('[data-progress]');
    const problem = form.querySelector('[data-problem]');
    const button = form.querySelector('button');
    shown.hidden = false;
    problem.hidden = true;
    button.disabled = true;
    const tell = (at, size) => {
      shown.querySelector('progress').value = size ? at / size : 1;
      shown.querySelector('output').textContent = `${Math.floor((at / size) * 100)} %`;
    };
    try {
      await sendFile(form, file, tell);
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      button.disabled = false;
    }
  });
};

// A text with code between backticks, as pages of the server have it.
const write = (element, text) => {
  const parts = text.split('`');
  const whole = parts.length % 2 === 1 ? parts : [...parts.slice(0, -2), parts.slice(-2).join('`')];
  element.replaceChildren(...whole.map((part, nth) => {
    if (nth % 2 === 0) return part;
    const code = document.createElement('code');
    code.textContent = part;
    return code;
  }));
};

// What is under way, as it happens.
const live = () => {
  if (!document.querySelector('[data-post]')) return;
  const said = document.querySelector('#said');
  const events = new EventSource('/events');
  events.addEventListener('post', (event) => {
    const now = JSON.parse(event.data);
    for (const element of document.querySelectorAll(`[data-post="${CSS.escape(now.id)}"]`)) {
      const state = element.querySelector('[data-state]');
      if (state) {
        // Told to who does not see it, once for each change.
        if (state.textContent !== now.state) said.textContent = `${element.dataset.name}: ${now.state}`;
        state.textContent = now.state;
        state.className = `badge ${now.tone}`;
      }
      const bar = element.querySelector('[data-bar]');
      if (bar) bar.hidden = !now.numbers;
      if (bar && now.numbers) {
        const progress = bar.querySelector('progress');
        progress.max = now.size;
        progress.value = now.sent;
        bar.querySelector('[data-numbers]').textContent = now.numbers;
      }
      const words = element.querySelector('[data-words]');
      if (words && (now.words || now.ended)) {
        words.hidden = !now.words;
        write(words, now.words);
      }
      // The page knows more of it than the event does, but nobody is interrupted who is filling in a form.
      if (now.ended && !document.querySelector('details[open]')) setTimeout(() => location.reload(), 400);
    }
  });
};

// A login as it goes on: the part of the page that tells of it is asked for anew, and nothing else of it.
const logins = () => {
  const shown = () => document.querySelector('[data-login]');
  if (shown()?.dataset.ended !== 'false') return;
  const events = new EventSource(`/login/${shown().dataset.login}/events`);
  events.addEventListener('login', async (event) => {
    if (event.data === 'ended') events.close();
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const now = page.querySelector('[data-login]');
    if (!now) return location.reload();
    if (now.textContent === shown().textContent) return undefined;
    document.querySelector('#said').textContent = now.querySelector('[role=status]')?.textContent ?? '';
    const had = shown().contains(document.activeElement);
    shown().replaceWith(document.importNode(now, true));
    if (had) document.querySelector('#main').focus();
    return undefined;
  });
};

signIn();
counts();
disclosure();
keeping();
photos();
uploads();
live();
logins();
