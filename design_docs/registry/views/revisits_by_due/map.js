function (doc) {
  if (doc.type === 'revisit') emit(doc.due, null);
}
