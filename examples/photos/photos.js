// The whole app: photos in a channel, on every device of their owner. Each window is a device: ?device=NAME names it, and its databases.

const { PouchDB } = globalThis;
const { server, handshake } = await (await fetch('/settings.json')).json();
const name = new URLSearchParams(location.search).get('device') ?? 'phone';
const element = (id) => document.getElementById(id);

const device = await PouchDB.channels({ server, handshake, store: `photos-${name}`, name: `My ${name}` });
const photos = device.channel('Photos');  // usable at once, registered or not

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
device.on('error', ({ reason }) => { element('status').textContent = reason; });
element('register').addEventListener('submit', (event) => {
  event.preventDefault();
  device.register({ owner: element('owner').value }).catch(() => {});  // the status says what it is
});

// --- the photos ---

const add = (blob) => photos.put({ _id: new Date().toISOString() + Math.random(), type: 'photo', _attachments: { photo: { content_type: blob.type, data: blob } } });

async function show({ doc }) {
  if (doc.type !== 'photo' || element(doc._id)) return;
  const image = document.createElement('img');
  image.alt = `Photo of ${doc._id.slice(0, 10)}`;
  image.src = URL.createObjectURL(await photos.getAttachment(doc._id, 'photo'));
  const item = document.createElement('li');
  item.id = doc._id;
  item.append(image);
  element('photos').prepend(item);
}

function draw() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 400 });
  const paint = canvas.getContext('2d');
  for (let n = 0; n < 40; n += 1) {
    paint.fillStyle = `hsl(${Math.random() * 360} 70% 60%)`;
    paint.fillRect(Math.random() * 400, Math.random() * 400, 150, 150);
  }
  canvas.toBlob(add, 'image/png');
}

element('file').addEventListener('change', ({ target }) => Promise.all([...target.files].map(add)));
element('draw').addEventListener('click', draw);
photos.changes({ live: true, since: 0, include_docs: true }).on('change', show);

element('name').textContent = `Photos on my ${name}`;
element('other').href = `?device=${name === 'phone' ? 'laptop' : 'phone'}`;
showStatus();
