// Cross-origin requests as chttpd_cors answers them, from [chttpd] enable_cors and [cors] origins, methods and headers: to
// a page of another origin that is allowed. Without credentials (cookies): pages send Authorization.

const EXPOSED = 'content-type, accept-ranges, etag, server, x-couch-request-id, x-couch-update-newrev';

function allows(list, origin) {
  return list.split(',').map((each) => each.trim()).some((each) => each === '*' || each === origin);
}

/** Sets the headers; true if it was a preflight request, which is answered. */
export function answerCors(config, request, response) {
  const { origin } = request.headers;
  if (!origin || config.get('chttpd', 'enable_cors') !== 'true' || !allows(config.get('cors', 'origins') ?? '', origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  if (request.method !== 'OPTIONS' || !request.headers['access-control-request-method']) {
    response.setHeader('access-control-expose-headers', EXPOSED);
    return false;
  }
  response.writeHead(204, {
    'access-control-allow-methods': config.get('cors', 'methods') ?? 'GET, HEAD, POST',
    'access-control-allow-headers': config.get('cors', 'headers') ?? '',
    'access-control-max-age': '600',
  }).end();
  return true;
}
