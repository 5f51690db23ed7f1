import httpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';

/** The plugin as its README starts it: `node http-proxy-server.ts PORT UPSTREAM`. */
const [port, upstream] = process.argv.slice(2);
const server = fastify();
server.register(httpProxy, { upstream: upstream!, prefix: '/payments' });
await server.listen({ port: Number(port), host: '127.0.0.1' });
