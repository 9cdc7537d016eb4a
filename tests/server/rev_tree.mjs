// A document's revision tree, flattened: PouchDB keeps it nested ({pos, ids: [hash, opts, children]});
// what the server decides (winner, leaves, the way back from a revision) is read off a plain map.

export const generation = (rev) => Number.parseInt(rev, 10);
export const hashOf = (rev) => rev.slice(rev.indexOf('-') + 1);

export class RevTree {
  /** `branches` is PouchDB's rev_tree; an empty list is a document that never was. */
  constructor(branches = []) {
    this.nodes = new Map();
    for (const { pos, ids } of branches) this.#add(pos, ids, null);
  }

  #add(pos, [hash, opts, children], parent) {
    const rev = `${pos}-${hash}`;
    this.nodes.set(rev, {
      rev, parent, leaf: children.length === 0, deleted: Boolean(opts.deleted),
      stored: opts.status === 'available',
    });
    for (const child of children) this.#add(pos + 1, child, rev);
  }

  get exists() {
    return this.nodes.size > 0;
  }

  leaves() {
    return [...this.nodes.values()].filter((node) => node.leaf);
  }

  /** The leaf that CouchDB shows: one that lives before a deleted one, then the longer, then the greater. */
  winner() {
    return this.leaves().sort((a, b) => Number(a.deleted) - Number(b.deleted)
      || generation(b.rev) - generation(a.rev) || (hashOf(a.rev) < hashOf(b.rev) ? 1 : -1))[0] ?? null;
  }

  get live() {
    const winner = this.winner();
    return winner !== null && !winner.deleted;
  }

  /** A revision and its known ancestors, newest first. */
  path(rev) {
    const path = [];
    for (let node = this.nodes.get(rev); node; node = this.nodes.get(node.parent)) path.push(node.rev);
    return path;
  }
}
