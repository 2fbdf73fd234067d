// What the interface asks a handler to export. The rest is records_gen.ts.

import * as abi from "../assembly/abi";

export * from "./records_gen";

const buffer = memory.data(offsetof<abi.ReceiveBuffer>(), 4);
const receiveRoom = memory.data(4096, 8);

export function subscriptions(): u32 {
  return abi.Subscriptions.READY | abi.Subscriptions.DONE;
}

export function receive_buffer(size: u32): usize {
  changetype<abi.ReceiveBuffer>(buffer).base = receiveRoom;
  changetype<abi.ReceiveBuffer>(buffer).size = 4096;
  return size <= 4096 ? buffer : 0;
}

export function on_event(session: u32, event: u32, payload: usize, payload_len: u32): void {}
