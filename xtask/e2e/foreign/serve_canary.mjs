// Runs the npm package `canary` on a free port of 127.0.0.1; by itself it listens on all interfaces, on a port that it
// does not tell.
//
//    node serve_canary.mjs FOLDER-OF-THE-PACKAGE FOLDER-OF-ITS-CONFIGURATION NAME
import * as net from 'node:net';
import {pathToFileURL} from 'node:url';

const [, , program, configuration, name] = process.argv;
const {listen} = net.Server.prototype;
net.Server.prototype.listen = function(_port, ready) {
  return listen.call(this, 0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${this.address().port} (${name})`);
    ready?.();
  });
};
process.chdir(program);
process.argv.splice(2, 3, '--config', configuration);
await import(pathToFileURL(`${program}/server.js`));
