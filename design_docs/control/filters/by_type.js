function (doc, req) {
  // ?filter=channels/by_type&type=channel,subscription. A deleted document has no type: it passes.
  if (doc._deleted) return true;
  return (req.query.type || '').split(',').indexOf(doc.type) !== -1;
}
