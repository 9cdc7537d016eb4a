// A reverse proxy of the tests' own in front of a server, with the mistakes that operators make.
//   const proxy = await startProxy(server.url);
//   proxy.blocks = /^\/_utils\//;      // 403 for these paths
//   proxy.holds = ({url}) => ...;      // a promise that this request waits for, or nothing
//   proxy.forwarded = 'kept';          // X-Forwarded-For: 'appended', 'kept' as the client sent it, or 'dropped'
//   proxy.loses = ({ path, body }) => path.endsWith('/_bulk_docs') && body.includes('x');   // the server acts, the answer is lost
//   await proxy.close();

import { createServer, request } from 'node:http';
import { once } from 'node:events';

export async function startProxy(target) {
  const proxy = new Proxy(target);
  proxy.server.listen(0, '127.0.0.1');
  await once(proxy.server, 'listening');
  proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
  return proxy;
}

class Proxy {
  blocks = null;
  holds = null;
  forwarded = 'appended';
  loses = () => false;

  constructor(target) {
    this.target = new URL(target);
    this.server = createServer((incoming, answer) => this.#pass(incoming, answer));
  }

  async #pass(incoming, answer) {
    await this.holds?.(incoming);
    if (this.blocks?.test(incoming.url)) {
      answer.writeHead(403).end('blocked');
      return;
    }
    const { hostname: host, port } = this.target;
    const parts = [];
    incoming.on('data', (part) => parts.push(part));
    const onward = request({ host, port, method: incoming.method, path: incoming.url, headers: this.#headers(incoming) }, (reply) => {
      if (this.loses({ path: incoming.url, body: Buffer.concat(parts).toString() })) {
        reply.resume();
        answer.destroy();
        return;
      }
      // A feed ends with who reads it; a request whose sender went before its answer is still carried out.
      answer.on('close', () => reply.destroy());
      if (answer.destroyed) reply.destroy();
      reply.on('error', () => answer.destroy());
      answer.writeHead(reply.statusCode, reply.headers);
      reply.pipe(answer);
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  }

  #headers({ headers, socket }) {
    const { 'x-forwarded-for': sent, ...others } = headers;
    if (this.forwarded === 'appended') return { ...others, 'x-forwarded-for': [sent, socket.remoteAddress].filter(Boolean).join(', ') };
    return this.forwarded === 'kept' && sent ? { ...others, 'x-forwarded-for': sent } : others;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
