'use strict';
// The door of `npm start`, `npm test` and `./tributary`. This file alone must parse on any Node, however old, to say so.
const major = Number(process.versions.node.split('.')[0]);
if (major < 16) {
  console.error(`tributary: Node ${process.versions.node} is too old for the launcher: install Node 16 or newer`);
  process.exit(1);
}
require('./launcher.cjs').main(process.argv.slice(2));
