//! Says hello, with ?name=Ada to Ada.

const std = @import("std");
const sluice = @import("sluice");

pub const panic = sluice.panic;

fn handle(request: *sluice.Request, response: *sluice.Response) !void {
    var decoded: [8 << 10]u8 = undefined; // the host takes no longer request line
    var room: [decoded.len + 16]u8 = undefined;
    var name = try request.queryVar("name", &decoded) orelse "";
    if (name.len == 0) name = "world";
    try response.text(200, try std.fmt.bufPrint(&room, "Hello, {s}!\n", .{name}));
}

comptime {
    sluice.serve(handle);
}
