function (doc) {
  if (doc.type === 'revisit') emit(doc.due, {database: doc.database, id: doc.id});
}
