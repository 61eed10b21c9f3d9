// The `smpp` package of npm as an SMSC.
//
//   node npm_smsc.js [--port 0 --system-id gateway --password secret]
//     [--receipts DELIVRD|UNDELIV|…|none --ids decimal|hex --receipt-ids decimal|hex --throttle N]
//
// Prints "ready" with the port, "bound", each "submit" and each "message" once all of its segments are there; the
// first N submissions are throttled. Orders on standard input, one JSON object a line:
//   {"order": "deliver", "from": "+8210…", "to": "…", "text": "…"}  a text of a handset, in as many segments as it needs
//   {"order": "drop"}                                                every connection is cut
'use strict';

const smpp = require('smpp');
const peer = require('./peer.js');

const given = peer.options({
  port: 0, system_id: 'gateway', password: 'secret', receipts: 'DELIVRD', ids: 'decimal', receipt_ids: '', throttle: 0, delay_ms: 0,
});

const WORLD = { bound: new Set(), next_id: 1, parts: new Map(), reference: 0, refused: 0 };
const CONCATENATED = 0x00;
const UCS2 = 8;

function clock() {
  return new Date().toISOString().replace(/[-T:]/g, '').slice(2, 12);
}

function spell(number, ids) {
  return ids === 'hex' ? number.toString(16).toUpperCase().padStart(8, '0') : String(number);
}

function receipt(session, pdu, id, stat) {
  const states = { DELIVRD: 2, EXPIRED: 3, UNDELIV: 5, REJECTD: 8 };
  const text = `id:${id} sub:001 dlvrd:${stat === 'DELIVRD' ? '001' : '000'} submit date:${clock()} ` +
    `done date:${clock()} stat:${stat} err:${stat === 'DELIVRD' ? '000' : '027'} text:`;
  session.deliver_sm({
    source_addr: pdu.destination_addr, source_addr_ton: pdu.dest_addr_ton, source_addr_npi: pdu.dest_addr_npi,
    destination_addr: pdu.source_addr, dest_addr_ton: pdu.source_addr_ton, dest_addr_npi: pdu.source_addr_npi,
    esm_class: 0x04, data_coding: 0, short_message: Buffer.from(text, 'ascii'),
    receipted_message_id: id, message_state: states[stat] || 7,
  }, (answer) => peer.say('receipt_answered', { id, status: answer.command_status }));
}

// One text of several segments is told once, when the last of them came.
function assemble(pdu, content) {
  let [reference, total, number] = [null, 1, 1];
  for (const element of content.udh || []) {
    if (element[0] === CONCATENATED) [reference, total, number] = [element[2], element[3], element[4]];
    if (element[0] === 0x08) [reference, total, number] = [element.readUInt16BE(2), element[4], element[5]];
  }
  if (pdu.sar_total_segments > 1) {
    [reference, total, number] = [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum];
  }
  const key = [pdu.source_addr, pdu.destination_addr, reference].join('/');
  const parts = WORLD.parts.get(key) || new Map();
  parts.set(number, content.message || '');
  if (parts.size < total) {
    WORLD.parts.set(key, parts);
    return null;
  }
  WORLD.parts.delete(key);
  return [...parts.keys()].sort((a, b) => a - b).map((one) => parts.get(one)).join('');
}

function submitted(session, pdu) {
  if (WORLD.refused < given.throttle) {
    WORLD.refused += 1;
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    return;
  }
  const number = WORLD.next_id++;
  const id = spell(number, given.ids);
  const payload = pdu.message_payload && (pdu.message_payload.message !== undefined ? pdu.message_payload : { message: pdu.message_payload });
  const content = payload || pdu.short_message;
  session.send(pdu.response({ message_id: id }));
  peer.say('submit', {
    id, from: pdu.source_addr, to: pdu.destination_addr, esm_class: pdu.esm_class, data_coding: pdu.data_coding,
    registered_delivery: pdu.registered_delivery, text: content.message,
  });
  const text = assemble(pdu, content);
  if (text !== null) peer.say('message', { from: pdu.source_addr, to: pdu.destination_addr, text });
  if (given.receipts !== 'none' && (pdu.registered_delivery & 0x03) !== 0) {
    setTimeout(() => receipt(session, pdu, spell(number, given.receipt_ids || given.ids), given.receipts), given.delay_ms);
  }
}

function bind(session, pdu, kind) {
  const right = pdu.system_id === given.system_id && pdu.password === given.password;
  session.send(pdu.response(right ? { system_id: 'npm-smsc' } : { command_status: smpp.ESME_RBINDFAIL }));
  if (!right) return session.close();
  peer.say('bound', { kind, version: pdu.interface_version });
  if (kind !== 'transmitter') WORLD.bound.add(session);
}

function deliver({ from, to, text }) {
  const [session] = WORLD.bound;
  if (!session) peer.fail('nobody is bound to receive');
  const octets = Buffer.from(text, 'utf16le').swap16();
  const size = octets.length > 140 ? 134 : 140;
  const total = Math.ceil(octets.length / size);
  WORLD.reference = (WORLD.reference + 1) & 0xff;
  for (let number = 1; number <= total; number += 1) {
    const header = total > 1 ? Buffer.from([5, CONCATENATED, 3, WORLD.reference, total, number]) : Buffer.alloc(0);
    session.deliver_sm({
      source_addr: from, source_addr_ton: 1, source_addr_npi: 1, destination_addr: to, dest_addr_ton: 1, dest_addr_npi: 1,
      esm_class: total > 1 ? 0x40 : 0, data_coding: UCS2,
      short_message: Buffer.concat([header, octets.subarray((number - 1) * size, number * size)]),
    }, (answer) => peer.say('delivered', { number, status: answer.command_status }));
  }
}

const server = smpp.createServer((session) => {
  session.on('bind_transceiver', (pdu) => bind(session, pdu, 'transceiver'));
  session.on('bind_transmitter', (pdu) => bind(session, pdu, 'transmitter'));
  session.on('bind_receiver', (pdu) => bind(session, pdu, 'receiver'));
  session.on('submit_sm', (pdu) => submitted(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('close', () => WORLD.bound.delete(session));
  session.on('error', (error) => peer.say('error', { text: String(error) }));
});
server.listen(given.port, '127.0.0.1', () => peer.say('ready', { port: server.address().port }));

peer.orders((line) => {
  if (line.order === 'deliver') deliver(line);
  if (line.order === 'drop') server.sessions.slice().forEach((session) => session.destroy());
});
