function (doc) {
  if (doc.type === 'trace') emit(doc.until, doc._rev);
}
