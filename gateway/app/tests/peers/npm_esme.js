// The `smpp` package of npm as an ESME: submits one text, waits for the final receipt of each id it was given.
//
//   node npm_esme.js --port PORT --to +8210… [--from … --text … --system-id esme --password secret --stat DELIVRD]
//
// A text that one segment cannot hold goes as `message_payload`.
'use strict';

const smpp = require('smpp');
const peer = require('./peer.js');

const given = peer.options({
  port: 2775, system_id: 'esme', password: 'secret', from: '15881234', to: '', text: 'hello', stat: 'DELIVRD', deadline: 30,
});

const SHORT_CHARACTERS_MAX = 70;

peer.deadline(given.deadline);
const session = smpp.connect({ host: '127.0.0.1', port: given.port });
session.on('error', (error) => peer.fail(`the connection failed: ${error}`));
session.on('close', () => peer.fail('the other side closed the connection'));
session.on('enquire_link', (pdu) => session.send(pdu.response()));

let waiting = null;
const early = new Map();

function finish(id, stat) {
  if (stat !== given.stat) peer.fail(`the receipt of ${id} says ${stat}, expected ${given.stat}`);
  session.removeAllListeners('close');
  session.unbind(() => { peer.say('done', {}); process.exit(0); });
}

session.on('deliver_sm', (pdu) => {
  session.send(pdu.response());
  const text = pdu.short_message.message.toString();
  if (!(pdu.esm_class & 0x04)) return peer.say('received', { from: pdu.source_addr, to: pdu.destination_addr, text });
  const [, id] = /id:(\S+)/.exec(text) || [];
  const [, stat] = /stat:(\S+)/.exec(text) || [];
  peer.say('receipt', { id, stat, receipted_message_id: pdu.receipted_message_id, message_state: pdu.message_state });
  if (id === waiting) finish(id, stat);
  else early.set(id, stat);
});

session.on('connect', () => {
  session.bind_transceiver({ system_id: given.system_id, password: given.password, interface_version: 0x34 }, (answer) => {
    if (answer.command_status !== 0) peer.fail(`bind was refused with ${answer.command_status}`);
    peer.say('bound', { system_id: answer.system_id });
    const content = given.text.length > SHORT_CHARACTERS_MAX
      ? { message_payload: { message: given.text }, data_coding: 8, short_message: '' }
      : { short_message: given.text };
    session.submit_sm({
      source_addr: given.from, destination_addr: given.to.replace(/^\+/, ''), dest_addr_ton: 1, dest_addr_npi: 1,
      registered_delivery: 1, ...content,
    }, (accepted) => {
      if (accepted.command_status !== 0) peer.fail(`submit was refused with ${accepted.command_status}`);
      waiting = accepted.message_id;
      peer.say('accepted', { ids: [waiting] });
      if (early.has(waiting)) finish(waiting, early.get(waiting));
    });
  });
});
