function (doc, req) {
  // ?filter=channels/device&device=<id>: a device's own documents, for a client that can neither GET its
  // document nor use _doc_ids. Runs on every change of the whole database: see docs/documents.md.
  var id = req.query.device;
  return typeof id === 'string' && id.length === 64 &&
      (doc._id === id || doc._id.indexOf('rotate-' + id + '-') === 0);
}
