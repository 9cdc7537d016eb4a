function (doc) {
  if (doc.type === 'lease') emit(doc.taken_at, null);
}
