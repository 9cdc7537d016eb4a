function (doc) {
  // What came to an end and is in no record: confirms, rotates, documents that prove no id. The hourly
  // clean-up purges it after confirm_ttl. Only the daemon writes this field.
  if (typeof doc.finished === 'string') emit(doc.finished, doc.type);
}
