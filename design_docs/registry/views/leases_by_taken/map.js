function (doc) {
  // A parked one waits for a person.
  if (doc.type === 'lease' && !doc.parked) emit(doc.taken_at, null);
}
