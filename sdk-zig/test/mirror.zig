//! Says what it sees of a request: see sdk-c/test/mirror.md.

const std = @import("std");
const sluice = @import("sluice");

pub const panic = sluice.panic;
pub const std_options: std.Options = .{ .logFn = sluice.logFn };

comptime {
    std.testing.refAllDecls(sluice);
    std.testing.refAllDecls(sluice.Request);
    std.testing.refAllDecls(sluice.Response);
    sluice.serve(handle);
}

fn handle(request: *sluice.Request, response: *sluice.Response) !void {
    std.log.info("asked for {s}", .{request.path});
    if (std.mem.eql(u8, request.path, "/trailers")) return trailers(response);
    var room: [1024]u8 = undefined;
    var decoded: [1024]u8 = undefined;
    var collected: [1024]u8 = undefined;
    const text = try std.fmt.bufPrint(&room, "{s} {s} {s} {s} {s} {s}\n", .{
        request.method,
        request.path,
        request.query orelse "-",
        try request.queryVar("name", &decoded) orelse "-",
        try request.header("X-IN") orelse "-",
        try request.body(&collected),
    });
    try response.reply(200, &.{
        sluice.field("content-type", "text/plain; charset=utf-8"),
        sluice.field("x-out", "2"),
        sluice.field("x-out", "é"),
    }, text);
}

fn trailers(response: *sluice.Response) !void {
    try response.begin(200, &.{sluice.field("x-out", "1")});
    try response.write("one");
    try response.write("two");
    try response.endWith(&.{sluice.field("sum", "6")});
}
