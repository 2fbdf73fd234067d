//! What the interface asks a handler to export. The rest is records_gen.zig.

const abi = @import("abi");

comptime {
    _ = @import("records_gen.zig");
}

var buffer: abi.ReceiveBuffer = .{ .base = &room, .size = room.len };
var room: [4096]u8 align(8) = undefined;

export fn subscriptions() abi.Subscriptions {
    return .{ .ready = true, .done = true };
}

export fn receive_buffer(size: u32) ?*const abi.ReceiveBuffer {
    return if (size > buffer.size) null else &buffer;
}

export fn on_event(session: abi.Session, event: u32, payload: *const anyopaque, payload_len: usize) void {
    _ = .{ session, event, payload, payload_len };
}
