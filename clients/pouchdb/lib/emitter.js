// Events for an app: on(), off(), once(). Unlike Node's EventEmitter an 'error' that nobody listens to ends no program, and a
// listener that throws keeps nobody else from hearing.

export class Emitter {
  #listeners = new Map();

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
    return this;
  }

  off(event, listener) {
    this.#listeners.get(event)?.delete(listener);
    return this;
  }

  once(event, listener) {
    const once = (...values) => {
      this.off(event, once);
      listener(...values);
    };
    return this.on(event, once);
  }

  emit(event, ...values) {
    for (const listener of [...this.#listeners.get(event) ?? []]) {
      try {
        listener(...values);
      } catch (error) {
        console.error(`a listener of "${event}" threw`, error);
      }
    }
  }
}
