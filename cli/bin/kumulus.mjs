#!/usr/bin/env node
/** `npx kumulus`: the same door as `npm start`, for the commands of `cli/`. */
process.argv.splice(2, 0, 'kumulus');
await import('../../scripts/run.mjs');
