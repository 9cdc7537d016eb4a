// The whole app: photos in channels, on every device of all who share them. Each window is a device: ?device=NAME names it, and its databases;
// ?owner=ADDRESS is whose it is.

const { PouchDB } = globalThis;
const { server, handshake } = await (await fetch('/settings.json')).json();
const asked = new URLSearchParams(location.search);
const name = asked.get('device') ?? 'phone';
const element = (id) => document.getElementById(id);

const device = await PouchDB.channels({ server, handshake, store: `photos-${name}`, name: `My ${name}` });
device.channel('Photos');  // usable at once, registered or not

// --- the pairing ---

function showStatus() {
  const { state, code, online, error } = device.status;
  const texts = { none: 'Only on this device.', waiting: 'Waiting for the network.', active: online ? 'In sync.' : 'Offline: goes on by itself later.', revoked: 'This device was signed out.' };
  element('status').textContent = error?.reason ?? texts[state] ?? 'Waiting for you to confirm.';
  element('register').hidden = !['none', 'rejected', 'expired', 'error', 'revoked'].includes(state);
  element('pairing').hidden = state !== 'confirming';
  element('code').textContent = code ?? '';
}

async function showMail() {
  const link = await (await fetch('/newest-mail')).text();
  element('mail').hidden = link === '';
  element('mail').href = link;
}

device.on('state', showStatus);
device.on('code', showMail);
const showError = ({ reason }) => { element('status').textContent = reason; };
device.on('error', showError);
element('register').addEventListener('submit', (event) => {
  event.preventDefault();
  device.register({ owner: element('owner').value }).catch(() => {});  // the status says what it is
});

// --- albums: one for each channel ---

const fromTemplate = (id) => element(id).content.firstElementChild.cloneNode(true);
const albums = new Map();  // channel id -> its section

function showAlbums() {
  const wanted = new Map(device.channels().filter(({ state }) => ['new', 'ready', 'archived'].includes(state)).map((channel) => [channel.id, channel]));
  for (const [id, section] of albums) {
    if (wanted.has(id)) continue;
    section.remove();
    albums.delete(id);
  }
  for (const [id, channel] of wanted) {
    if (!albums.has(id)) albums.set(id, newAlbum(id));
    showAlbum(albums.get(id), channel);
  }
}

function showAlbum(section, { id, name: title, access }) {
  const people = device.members(id);
  const find = (selector) => section.querySelector(selector);
  find('h2').textContent = title;
  for (const selector of ['.add', '.draw']) find(selector).hidden = access === 'reader';
  find('.share').hidden = access !== 'owner';
  find('.leave').hidden = people.length < 2 || access === 'owner';
  find('.people').textContent = people.length < 2 ? '' : `${people.length} people have this album. You are ${access === 'owner' ? 'an owner' : `a ${access}`}.`;
}

function newAlbum(id) {
  const section = fromTemplate('album');
  const photos = device.channel(id);
  const add = (blob) => photos.put({ _id: new Date().toISOString() + Math.random(), type: 'photo', _attachments: { photo: { content_type: blob.type, data: blob } } });
  section.querySelector('.add input').addEventListener('change', ({ target }) => Promise.all([...target.files].map(add)));
  section.querySelector('.draw').addEventListener('click', () => draw(add));
  section.querySelector('.leave').addEventListener('click', () => device.leave(id));
  section.querySelector('.share').addEventListener('submit', (event) => {
    event.preventDefault();
    const [to, writes] = event.target.querySelectorAll('input');
    device.invite(id, to.value, { access: writes.checked ? 'writer' : 'reader' }).then(() => { to.value = ''; }, showError);
  });
  photos.changes({ live: true, since: 0, include_docs: true }).on('change', ({ doc }) => showPhoto(photos, section.querySelector('.photos'), doc));
  element('albums').append(section);
  return section;
}

async function showPhoto(photos, list, doc) {
  if (doc.type !== 'photo' || element(doc._id)) return;
  const image = document.createElement('img');
  image.alt = `Photo of ${doc._id.slice(0, 10)}`;
  const item = document.createElement('li');
  item.id = doc._id;
  item.append(image);
  list.prepend(item);
  image.src = URL.createObjectURL(await photos.getAttachment(doc._id, 'photo'));
}

function draw(add) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 400 });
  const paint = canvas.getContext('2d');
  for (let n = 0; n < 40; n += 1) {
    paint.fillStyle = `hsl(${Math.random() * 360} 70% 60%)`;
    paint.fillRect(Math.random() * 400, Math.random() * 400, 150, 150);
  }
  canvas.toBlob(add, 'image/png');
}

device.on('channel', showAlbums);

// --- invitations ---

function showInvitations() {
  const waiting = device.invitations().filter(({ received, state }) => received && state === 'received');
  element('invitations').replaceChildren(...waiting.map(({ id, from, name: title }) => {
    const item = fromTemplate('invitation');
    item.querySelector('span').textContent = `${from} shares "${title}" with you.`;
    item.querySelector('.accept').addEventListener('click', () => device.accept(id).catch(showError));
    item.querySelector('.decline').addEventListener('click', () => device.decline(id).catch(showError));
    return item;
  }));
}

device.on('invitation', showInvitations);

element('name').textContent = `Photos on my ${name}`;
element('owner').value = asked.get('owner') ?? 'alice@example.com';
element('other').href = `?device=${name === 'phone' ? 'laptop' : 'phone'}`;
element('somebody').href = '?device=tablet&owner=bob@example.com';
showStatus();
showAlbums();
showInvitations();
