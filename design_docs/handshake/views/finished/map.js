function (doc) {
  // Confirms and rotates that came to an end: what the hourly clean-up purges after confirm_ttl.
  if (typeof doc.finished === 'string' && (doc.type === 'confirm' || doc.type === 'rotate')) {
    emit(doc.finished, doc.type);
  }
}
