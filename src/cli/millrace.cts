#!/usr/bin/env node
/**
 * Starts the `millrace` command with more of libuv's threads than Node.js has by default.
 *
 * LevelDB writes in these threads, and jobs compute in them what is asynchronous in Node.js (crypto, zlib, files, DNS). Jobs that keep
 * all of them busy hold up every write. libuv reads their number once, when the first of them is needed. Node.js needs one to load an
 * ES module. So this file is CommonJS, and imports nothing before.
 */
process.env.UV_THREADPOOL_SIZE ??= '64'

void import('./main.js')
