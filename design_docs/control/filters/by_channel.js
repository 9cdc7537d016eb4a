function (doc, req) {
  // ?filter=channels/by_channel&channel=<id>: the channel, its subscription and its invitations.
  var id = req.query.channel;
  if (typeof id !== 'string' || id === '') return false;
  return doc._id === id || doc.channel === id || doc._id.indexOf(id + '-sub-') === 0;
}
