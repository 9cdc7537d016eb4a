// Where a replication goes on, on a side that was put back from a backup. PouchDB (like CouchDB) keeps its checkpoint on both sides, and
// where both name the same session believes the source's. A live replication is one session for as long as it lasts: a copy that was taken of the
// target meanwhile, and put back, names that session too, with an earlier sequence, and would never get what came in between.

/** What a CouchDB sequence begins with, and what a PouchDB sequence is: good enough to say which of two checkpoints of one session is the earlier. */
function numberOf(seq) {
  const number = parseInt(seq, 10);
  return Number.isNaN(number) ? 0 : number;
}

/** The target has less than the source says that it sent. The other way round is a run that was cut off between the two: nothing is lost. */
export function isPutBack(source, target) {
  return source.session_id === target.session_id && numberOf(target.last_seq) < numberOf(source.last_seq);
}

/**
 * The same remote database, whose checkpoint PouchDB sees without its history where the target was put back: then everything is compared again, which
 * costs no document that both have. `direction`: 'pull' or 'push'. Only the first look at a checkpoint decides where a replication begins; those
 * that follow are to write it.
 */
export function withWaryCheckpoints(remote, local, direction) {
  const get = remote.get.bind(remote);
  const seen = new Set();
  remote.get = async (id, ...more) => {
    const there = await get(id, ...more);
    if (!String(id).startsWith('_local/') || seen.has(id)) return there;
    seen.add(id);
    const here = await local.get(id).catch(() => null);
    const [source, target] = direction === 'pull' ? [there, here] : [here, there];
    return here && isPutBack(source, target) ? { ...there, session_id: undefined, history: [] } : there;
  };
  return remote;
}
