function (doc) {
  // The bare digests of ended registrations, by the time until which they are kept.
  if (doc.type === 'forgotten') emit(doc.until, null);
}
