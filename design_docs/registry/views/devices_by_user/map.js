function (doc) {
  if (doc.type === 'device' && doc.user) emit([doc.user, doc.state], null);
}
