function (doc) {
  // All that has to go with a person: his records by the digest of his address, and by his user id, former memberships among them.
  if (['device', 'channel', 'group', 'invitation', 'link', 'follower', 'channelname'].indexOf(doc.type) === -1) return;
  var seen = {};
  function add(person) {
    if (typeof person !== 'string' || !person || seen[person]) return;
    seen[person] = true;
    emit([person, doc.type], null);
  }
  add(doc.address);
  add(doc.user);
  add(doc.named_by);
  add(doc.renaming_of);
  add(doc.erasing);
  for (var user in doc.members || {}) add(user);
}
