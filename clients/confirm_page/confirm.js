// The confirmation page: shows one of its sections at a time, writes a confirm document when a form is sent,
// and follows that document until the daemon has answered it. Opening the page writes nothing.
// ES5 and fetch; needs `texts`, `sha256` and `proof`. Words get into the page as text only, never as markup.
(function () {
  'use strict';

  var REQUEST_MS = 20000;        // a phone between two networks waits for ever otherwise
  var LOOK_MS = 1000;            // the daemon answers within a second, mostly
  var LOOK_SLOWLY_MS = 5000;     // many open pages must not be what keeps a server down
  var SLOWLY_AFTER_MS = 30000;
  var PATIENCE_AFTER_MS = 8000;  // from then on the page says that one need not wait
  var GONE_AFTER_MS = 15000;     // a cluster may show a document later than it took it; longer is gone
  var SECOND_THOUGHT_MS = 700;   // the second click of a double click is no answer to the second question

  var VIEWS = ['start', 'reject', 'waiting', 'end'];
  var MAY_GO_BACK = ['already_answered', 'ambiguous', 'bad_confirm', 'unknown'];

  var words = texts[chooseLanguage()];
  var link = proof.linkIn(location.hash);
  var busy = false;       // an answer is being sent or followed
  var follower = null;    // of the answer that was sent
  var rejectShownAt = 0;

  function element(id) {
    return document.getElementById(id);
  }

  // ---- Words

  function chooseLanguage() {
    var wanted = navigator.languages || [navigator.language || ''];
    for (var i = 0; i < wanted.length; i++) {
      var language = wanted[i].toLowerCase().split('-')[0];
      if (Object.prototype.hasOwnProperty.call(texts, language)) return language;
    }
    return 'en';
  }

  function fillInWords() {
    document.documentElement.lang = chooseLanguage();
    var all = document.querySelectorAll('[data-text]');
    for (var i = 0; i < all.length; i++) all[i].textContent = words[all[i].getAttribute('data-text')];
    element('intro').textContent = link && link.forAddress ? words.introMany : words.intro;
    element('stranger_text').textContent = link && link.forAddress ? words.strangerMany : words.strangerText;
    element('stranger').hidden = Boolean(link && link.forAddress);  // the daemon would ask "which one?"
  }

  // ---- Server

  function metaContent(name) {
    var found = document.querySelector('meta[name="' + name + '"]');
    return found ? found.getAttribute('content') : '';
  }

  /** The server's URL with a slash at its end: what is before /_utils/, also behind a proxy's prefix. */
  function serverUrl() {
    var given = metaContent('channels-server');
    if (given) return given.replace(/\/*$/, '/');
    var utils = location.pathname.lastIndexOf('/_utils/');
    return location.protocol + '//' + location.host + location.pathname.substr(0, utils < 0 ? 0 : utils) + '/';
  }

  function documentUrl(id) {
    return serverUrl() + encodeURIComponent(metaContent('channels-handshake-db')) + '/' + id;
  }

  /** Gives {status, body}; body is null if it is no JSON. Fails if no answer comes in time. */
  function request(method, id, doc) {
    var controller = window.AbortController ? new AbortController() : null;
    var options = { method: method, credentials: 'omit', cache: 'no-store', headers: { Accept: 'application/json' } };
    if (controller) options.signal = controller.signal;
    if (doc) {
      options.headers['Content-Type'] = 'application/json';
      options.body = JSON.stringify(doc);
    }
    return new Promise(function (resolve, reject) {
      var timer = setTimeout(function () {
        reject(new Error('no answer in time'));
        if (controller) controller.abort();
      }, REQUEST_MS);
      fetch(documentUrl(id), options).then(statusAndBody).then(resolve, reject).then(function () { clearTimeout(timer); });
    });
  }

  function statusAndBody(response) {
    return response.text().then(function (text) {
      var body = null;
      try { body = JSON.parse(text); } catch (notJson) { /* a proxy's page */ }
      return { status: response.status, body: body };
    });
  }

  // ---- What is shown

  function show(view) {
    VIEWS.forEach(function (name) { element(name).hidden = name !== view; });
    hideNotice();
    if (view !== 'waiting') {
      setStatus('');
      element('look').hidden = true;
    }
    setTitle(view === 'start' ? '' : element(view + '_heading').textContent);
  }

  /** Screen readers go on from where the focus is. */
  function showAndFocus(view) {
    show(view);
    element(view + '_heading').focus();
    window.scrollTo(0, 0);
  }

  function setTitle(part) {
    document.title = (part ? part + ' – ' : '') + words.title;
  }

  function setStatus(text) {
    if (element('status').textContent !== text) element('status').textContent = text;  // said once
  }

  function hideNotice() {
    element('notice').hidden = true;
  }

  function showNotice(text, canRetry) {
    element('notice_text').textContent = text;
    element('retry').hidden = !canRetry;
    element('notice').hidden = false;
    element('notice').focus();
    window.scrollTo(0, 0);
  }

  function showCodeError(text) {
    element('code_error').textContent = text;
    element('code_error').hidden = !text;
    if (text) element('code').setAttribute('aria-invalid', 'true');
    else element('code').removeAttribute('aria-invalid');
  }

  /** Back to the form, at the code, with what is wrong with it: described by the error, so it is read aloud. */
  function askForCodeAgain(text) {
    show('start');
    showCodeError(text);
    element('code').focus();
    element('code').select();
    setTitle(words.problemHeading);
  }

  function showEnd(heading, text) {
    element('end_heading').textContent = heading;
    element('end_text').textContent = text;
    element('end_mark').className = 'mark';
    element('end_back').hidden = true;
    showAndFocus('end');
  }

  function showProblem(heading, text, canGoBack) {
    showEnd(heading, text);
    element('end_mark').className = 'mark problem';
    element('end_back').hidden = !canGoBack;
  }

  // ---- Sending

  function sendForm() {
    var typed = proof.deviceCode(element('code').value);
    if (typed.trouble) return askForCodeAgain(words[typed.trouble]);
    send(proof.confirmDocument(link, element('alone').checked ? proof.YES_ALONE : proof.YES, typed.code));
  }

  function sendRejection() {
    send(proof.confirmDocument(link, proof.NOT_ME));
  }

  function send(doc) {
    if (busy) return;
    busy = true;
    showCodeError('');
    showAndFocus('waiting');
    setStatus(words.sending);
    request('PUT', doc._id, doc).then(function (answer) {
      // 409: the same answer was written before, perhaps by a request whose own answer was lost.
      if ([201, 202, 409].indexOf(answer.status) >= 0) follow(doc);
      else notSent(doc, textForStatus(answer.status));
    }, function () {
      notSent(doc, words.network);
    });
  }

  function textForStatus(status) {
    if (status === 429 || status >= 500) return words.busy;
    return status >= 400 ? words.refused : words.network;  // a hotel's log-in page answers 200 or 302
  }

  function notSent(doc, text) {
    busy = false;
    show(doc.answer === proof.NOT_ME ? 'reject' : 'start');
    showNotice(text, true);
  }

  function sendAgain() {
    if (element('reject').hidden) sendForm();
    else sendRejection();
  }

  // ---- Following what was sent

  function follow(doc) {
    setStatus(words.saved);
    follower = { doc: doc, since: Date.now(), timer: null, looking: false };
    look();
  }

  function look() {
    if (!follower || follower.looking) return;
    follower.looking = true;
    clearTimeout(follower.timer);
    request('GET', follower.doc._id).then(seen, function () { seen({ status: 0, body: null }); });
  }

  function seen(answer) {
    var waited = Date.now() - follower.since;
    follower.looking = false;
    if (answer.status === 200 && answer.body && answer.body.type === 'confirm') {
      if (answer.body.state === 'used') return finish(showDone);
      if (answer.body.state === 'error') return finish(showError, answer.body.error);
      lookLater(waited > PATIENCE_AFTER_MS ? words.patience : words.saved, waited);
    } else if (answer.status === 404) {
      if (waited > GONE_AFTER_MS) return finish(showGone);
      lookLater(words.saved, waited);
    } else {
      lookLater(words.offline, SLOWLY_AFTER_MS);
    }
  }

  function lookLater(text, waited) {
    setStatus(text);
    element('look').hidden = text !== words.offline;
    follower.timer = setTimeout(look, waited < SLOWLY_AFTER_MS ? LOOK_MS : LOOK_SLOWLY_MS);
  }

  function finish(showIt, error) {
    var doc = follower.doc;
    follower = null;
    busy = false;
    showIt(doc, error);
  }

  function showDone(doc) {
    element('code').value = '';
    if (doc.answer === proof.NOT_ME) showEnd(words.rejectedHeading, words.doneNotMe);
    else showEnd(words.doneHeading, doc.answer === proof.YES_ALONE ? words.doneYesAlone : words.doneYes);
  }

  function showError(doc, error) {
    var name = error && error.error;
    if (name === 'wrong_proof' && doc.answer !== proof.NOT_ME) return askForCodeAgain(words.wrong_proof);
    if (name === 'wrong_proof') return showProblem(words.problemHeading, words.wrongLink, false);
    var known = ['expired', 'rejected', 'revoked', 'already_answered', 'ambiguous', 'bad_confirm'].indexOf(name) >= 0;
    var text = known ? words[name] : String(error && error.reason || words.unknown);
    showProblem(words.problemHeading, text, MAY_GO_BACK.indexOf(known ? name : 'unknown') >= 0);
  }

  function showGone(doc) {
    show(doc.answer === proof.NOT_ME ? 'reject' : 'start');
    showNotice(words.gone, true);
  }

  // ---- Start

  function askToReject() {
    rejectShownAt = Date.now();
    showAndFocus('reject');
  }

  function listen() {
    element('form').addEventListener('submit', function (event) {
      event.preventDefault();
      sendForm();
    });
    element('code').addEventListener('input', function () { showCodeError(''); });
    element('retry').addEventListener('click', sendAgain);
    element('look').addEventListener('click', look);
    element('stranger').addEventListener('click', askToReject);
    element('reject_back').addEventListener('click', function () { showAndFocus('start'); });
    element('end_back').addEventListener('click', function () { showAndFocus('start'); });
    element('reject_button').addEventListener('click', function () {
      if (Date.now() - rejectShownAt > SECOND_THOUGHT_MS) sendRejection();
    });
    // A phone stops the timers of a page that nobody sees.
    document.addEventListener('visibilitychange', function () { if (!document.hidden) look(); });
    window.addEventListener('online', look);
  }

  function start() {
    element('unready').hidden = true;
    fillInWords();
    // Another mail's link, opened in this tab, changes the fragment only.
    window.addEventListener('hashchange', function () { location.reload(); });
    if (!link) return showProblem(words.badLinkHeading, words.badLink, false);
    if (!window.fetch || !window.Promise) return showProblem(words.problemHeading, words.tooOld, false);
    listen();
    show('start');
  }

  start();
})();
