function (doc) {
  // Registrations that came to nothing.
  if (doc.type === 'device' && typeof doc.ended === 'string') emit(doc.ended, doc.state);
}
