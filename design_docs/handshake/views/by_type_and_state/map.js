function (doc) {
  emit([doc.type, doc.state], null);
}
