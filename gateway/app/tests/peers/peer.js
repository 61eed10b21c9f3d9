// What the Node peers share: JSON lines, a deadline, orders on standard input. See peer.py.
'use strict';

const readline = require('readline');

function say(event, fields) {
  process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');
}

function fail(sentence) {
  process.stderr.write(`${process.argv[1].split('/').pop()}: ${sentence}\n`);
  process.exit(1);
}

// `--name value` pairs over the defaults; a default decides whether a value is a number.
function options(defaults) {
  const given = { ...defaults };
  const words = process.argv.slice(2);
  while (words.length) {
    const name = words.shift().replace(/^--/, '').replace(/-/g, '_');
    if (!(name in defaults) || !words.length) fail(`--${name} is unknown or has no value`);
    const value = words.shift();
    given[name] = typeof defaults[name] === 'number' ? Number(value) : value;
  }
  return given;
}

function deadline(seconds) {
  return setTimeout(() => fail(`not done after ${seconds} s`), seconds * 1000);
}

// Calls `order` with each JSON line of standard input; its end ends the peer.
function orders(order) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => order(JSON.parse(line)));
  lines.on('close', () => process.exit(0));
}

process.on('SIGTERM', () => process.exit(0));

module.exports = { say, fail, options, deadline, orders };
