//! Handlers for Sluice in Zig.
//!
//!     const sluice = @import("sluice");
//!
//!     pub const panic = sluice.panic;
//!
//!     fn handle(request: *sluice.Request, response: *sluice.Response) !void {
//!         try response.text(200, request.path);
//!     }
//!
//!     comptime {
//!         sluice.serve(handle);
//!     }
//!
//! A function is given a request and a response, and reads and writes in the blocking style. What is in `abi` can be used
//! beside it, with `request.session`; a handler that wants to hear events by itself needs nothing but `abi`.
//!
//! Nothing here allocates. Slices that the host gives are borrowed: each function says for how long.

const std = @import("std");

pub const abi = @import("abi.zig");

/// What a call fails with. `abi.Errno` says more of each.
pub const Error = error{ Again, Invalid, Fault, State, NoSession, Closed, TooBig, Unsupported, Unknown };

/// A field of a head or of trailers.
pub const Field = abi.Field;

/// Makes a field, which refers to both texts.
pub fn field(name: []const u8, value: []const u8) Field {
    return .{ .name = .from(name), .value = .from(value) };
}

/// What answers a request. When it returns the answer must be complete. An error ends like a panic, but for `Closed`: the
/// peer is gone, which is nobody's mistake.
pub const Handle = fn (*Request, *Response) anyerror!void;

/// Has a function answer every request. It is called when the head of a request is there, and may wait for the body, and for
/// room for the answer. The rest of a body that was not read is thrown away.
///
/// It needs an instance with one session at a time (isolation "request" or "connection").
pub fn serve(comptime handle: Handle) void {
    const exports = struct {
        var room: [64 << 10]u8 align(8) = undefined;
        var buffer: abi.ReceiveBuffer = .{ .base = &room, .size = room.len };

        fn receiveBuffer(size: u32) callconv(.c) ?*const abi.ReceiveBuffer {
            return if (size <= room.len) &buffer else null;
        }

        fn subscriptions() callconv(.c) abi.Subscriptions {
            return .{ .line_ready = true, .header_ready = true, .data_ready = true, .trailer_ready = true, .ready = true };
        }

        // What was not pulled until the handler returned comes here, too.
        fn onEvent(session: abi.Session, event: u32, payload: *const anyopaque, _: usize) callconv(.c) void {
            switch (@as(abi.Event, @enumFromInt(event))) {
                .line_ready => answer(handle, session, @ptrCast(@alignCast(payload))),
                .data_ready => _ = abi.discard(session),
                else => {},
            }
        }
    };
    @export(&exports.receiveBuffer, .{ .name = "receive_buffer" });
    @export(&exports.subscriptions, .{ .name = "subscriptions" });
    @export(&exports.onEvent, .{ .name = "on_event" });
}

/// Calls the handler with the first event of a session, whose payload stays where it is until the handler returns.
fn answer(comptime handle: Handle, session: abi.Session, line: *const abi.Line) void {
    var request: Request = .init(session, line);
    var response: Response = .{ .session = session };
    handle(&request, &response) catch |err| {
        if (err == error.Closed) return;
        std.debug.panic("the handler returned error.{s}{s}", .{ @errorName(err), advice(err) });
    };
    if (!response.complete) @panic("the handler returned before its answer was complete; call reply or end");
}

fn advice(err: anyerror) []const u8 {
    return switch (err) {
        error.Invalid => ": HTTP does not allow a status, a name, a value or a length",
        error.State => ": too late or too early for this call; an answer has one head, and nothing follows its end",
        error.TooBig => ": larger than what was announced, than a limit or than the buffer",
        error.Unsupported => ": not in an instance that serves many sessions; use isolation \"request\"",
        else => "",
    };
}

/// A request. Its slices are borrowed until the handler returns, unless a function says otherwise.
pub const Request = struct {
    /// For the functions of `abi`.
    session: abi.Session,
    version: abi.Version,
    /// Case kept.
    method: []const u8,
    /// As sent.
    target: []const u8,
    /// Of the target, not decoded, without the query.
    path: []const u8,
    /// What follows the question mark, not decoded.
    query: ?[]const u8,
    /// The trailers, once the body was read to its end.
    trailers: []const Field = &.{},

    fields: ?[]const Field = null,
    kept: bool = false,
    over: bool = false,

    fn init(session: abi.Session, line: *const abi.Line) Request {
        const target = line.target.slice();
        const mark = std.mem.indexOfScalar(u8, target, '?');
        const path = withoutAuthority(target[0 .. mark orelse target.len]);
        return .{
            .session = session,
            .version = line.version,
            .method = line.method.slice(),
            .target = target,
            .path = path,
            .query = if (mark) |at| target[at + 1 ..] else null,
        };
    }

    /// The fields of the head, in the order in which they were sent.
    pub fn headers(self: *Request) Error![]const Field {
        if (self.fields) |fields| return fields;
        const header_ready = try self.pull();
        self.fields = record(abi.Header, header_ready).fields.slice();
        return self.fields.?;
    }

    /// The value of the first field with a name, whatever its case.
    pub fn header(self: *Request, name: []const u8) Error!?[]const u8 {
        for (try self.headers()) |f| {
            if (std.ascii.eqlIgnoreCase(f.name.slice(), name)) return f.value.slice();
        }
        return null;
    }

    /// The first variable of the query with a name, decoded into a buffer. `TooBig` when it does not fit; a buffer of the
    /// size of the query is always large enough.
    pub fn queryVar(self: *const Request, name: []const u8, buffer: []u8) Error!?[]const u8 {
        var pairs = std.mem.tokenizeScalar(u8, self.query orelse "", '&');
        while (pairs.next()) |pair| {
            const equals = std.mem.indexOfScalar(u8, pair, '=') orelse pair.len;
            if (!decodesTo(pair[0..equals], name)) continue;
            return try decode(pair[@min(equals + 1, pair.len)..], buffer);
        }
        return null;
    }

    /// Waits for the next piece of the body, which is borrowed until the next call; null at its end.
    pub fn read(self: *Request) Error!?[]const u8 {
        if (self.over) return null;
        try self.keepHeaders();
        const next = try self.pull();
        switch (next.event) {
            .data_ready => return record(abi.Data, next).content.slice(),
            // READY follows. It stays where it is, so that the trailers do, too.
            .trailer_ready => self.trailers = record(abi.Trailer, next).fields.slice(),
            else => {},
        }
        self.over = true;
        return null;
    }

    /// Collects the body in a buffer. `TooBig` when it does not fit.
    pub fn body(self: *Request, buffer: []u8) Error![]const u8 {
        var len: usize = 0;
        while (try self.read()) |piece| {
            if (piece.len > buffer.len - len) return error.TooBig;
            @memcpy(buffer[len..][0..piece.len], piece);
            len += piece.len;
        }
        return buffer[0..len];
    }

    fn pull(self: *Request) Error!abi.Delivery {
        var next: abi.Delivery = undefined;
        try check(abi.next_event(self.session, &next));
        return next;
    }

    /// Copies the fields out of the receive buffer before the next event comes there.
    fn keepHeaders(self: *Request) Error!void {
        if (self.kept) return;
        var room = std.heap.FixedBufferAllocator.init(&head_room);
        const fields = room.allocator().dupe(Field, try self.headers()) catch return error.TooBig;
        for (fields) |*f| {
            f.name = .from(room.allocator().dupe(u8, f.name.slice()) catch return error.TooBig);
            f.value = .from(room.allocator().dupe(u8, f.value.slice()) catch return error.TooBig);
        }
        self.fields = fields;
        self.kept = true;
    }
};

/// Room for the fields of a request while its body is read. The largest that a host sends unless it is configured otherwise
/// fit.
var head_room: [36 << 10]u8 align(8) = undefined;

/// A response. Field values and bodies that a call is given are free again when it returns.
pub const Response = struct {
    /// For the functions of `abi`.
    session: abi.Session,
    complete: bool = false,

    /// Answers at once: a status from 200 to 999, fields, a body.
    pub fn reply(self: *Response, status: abi.Status, fields: []const Field, content: []const u8) Error!void {
        const head: abi.Fields = .from(fields);
        const body: abi.Bytes = .from(content);
        try check(abi.send(self.session, status, head.ptr, head.len, body.ptr, body.len));
        self.complete = true;
    }

    /// Answers with text in UTF-8.
    pub fn text(self: *Response, status: abi.Status, content: []const u8) Error!void {
        try self.reply(status, &.{field("content-type", "text/plain; charset=utf-8")}, content);
    }

    /// Answers with HTML in UTF-8.
    pub fn html(self: *Response, status: abi.Status, content: []const u8) Error!void {
        try self.reply(status, &.{field("content-type", "text/html; charset=utf-8")}, content);
    }

    /// Answers with JSON, for instance from `std.json`.
    pub fn json(self: *Response, status: abi.Status, content: []const u8) Error!void {
        try self.reply(status, &.{field("content-type", "application/json")}, content);
    }

    /// Begins an answer whose body is written in pieces. The head goes out with the first of them, so that a peer that waits
    /// for 100 (Continue) is told to go on when its body is read before.
    pub fn begin(self: *Response, status: abi.Status, fields: []const Field) Error!void {
        const head: abi.Fields = .from(fields);
        try check(abi.set_head(self.session, status, head.ptr, head.len));
    }

    /// Writes a piece of the body and waits for room before.
    pub fn write(self: *Response, piece: []const u8) Error!void {
        const content: abi.Bytes = .from(piece);
        while (true) {
            const errno = abi.send_data(self.session, content.ptr, content.len);
            if (errno != .again) return check(errno);
            try check(abi.wait_writable(self.session));
        }
    }

    /// Ends an answer. `Invalid` when fewer bytes were written than Content-Length announced.
    pub fn end(self: *Response) Error!void {
        try check(abi.send_end(self.session));
        self.complete = true;
    }

    /// Ends an answer with trailers, which reach a peer that gets the body in chunks.
    pub fn endWith(self: *Response, trailers: []const Field) Error!void {
        if (trailers.len == 0) return self.end();
        try check(abi.send_trailers(self.session, trailers.ptr, trailers.len));
        self.complete = true;
    }
};

/// Turns an errno into an error.
pub fn check(errno: abi.Errno) Error!void {
    return switch (errno) {
        .success => {},
        .again => error.Again,
        .invalid => error.Invalid,
        .fault => error.Fault,
        .state => error.State,
        .no_session => error.NoSession,
        .closed => error.Closed,
        .too_big => error.TooBig,
        .unsupported => error.Unsupported,
        _ => error.Unknown,
    };
}

fn record(comptime T: type, next: abi.Delivery) *const T {
    return @ptrCast(@alignCast(next.payload.ptr.?));
}

/// The path of a target in absolute form stands behind its authority (RFC 9112 section 3.2.2).
fn withoutAuthority(path: []const u8) []const u8 {
    if (path.len == 0) return "/";
    const scheme = std.mem.indexOf(u8, path, "://") orelse return path;
    if (path[0] == '/') return path;
    const slash = std.mem.indexOfScalarPos(u8, path, scheme + 3, '/') orelse return "/";
    return path[slash..];
}

/// Decodes a part of a query or of a form (application/x-www-form-urlencoded). A percent sign without two digits stays.
pub fn decode(part: []const u8, buffer: []u8) Error![]const u8 {
    var rest = part;
    var len: usize = 0;
    while (rest.len > 0) : (len += 1) {
        if (len == buffer.len) return error.TooBig;
        buffer[len] = decodeOne(&rest);
    }
    return buffer[0..len];
}

fn decodesTo(part: []const u8, want: []const u8) bool {
    var rest = part;
    for (want) |c| {
        if (rest.len == 0 or decodeOne(&rest) != c) return false;
    }
    return rest.len == 0;
}

/// Takes the next character off the front.
fn decodeOne(rest: *[]const u8) u8 {
    const c = rest.*[0];
    if (c == '%' and rest.len >= 3) {
        const high = std.fmt.charToDigit(rest.*[1], 16) catch 16;
        const low = std.fmt.charToDigit(rest.*[2], 16) catch 16;
        if (high < 16 and low < 16) {
            rest.* = rest.*[3..];
            return high << 4 | low;
        }
    }
    rest.* = rest.*[1..];
    return if (c == '+') ' ' else c;
}

extern "wasi_snapshot_preview1" fn fd_write(stream: u32, parts: [*]const abi.Bytes, parts_len: usize, written: *usize) u16;

/// Prints a line to the log of the host.
pub fn log(line: []const u8) void {
    const parts = [_]abi.Bytes{ .from(line), .from("\n") };
    var written: usize = undefined;
    _ = fd_write(2, &parts, parts.len, &written); // what the host drops, it tells by itself
}

/// Has `std.log` print to the log of the host: `pub const std_options: std.Options = .{ .logFn = sluice.logFn };`
pub fn logFn(comptime level: std.log.Level, comptime scope: @TypeOf(.enum_literal), comptime format: []const u8, args: anytype) void {
    var room: [1024]u8 = undefined;
    const prefix = comptime level.asText() ++ if (scope == .default) ": " else "(" ++ @tagName(scope) ++ "): ";
    log(std.fmt.bufPrint(&room, prefix ++ format, args) catch "a line of the log is too long for 1024 bytes");
}

/// Prints why a handler cannot go on, and traps: the request is answered 500, or its connection cut when an answer has begun.
/// To have panics do so: `pub const panic = sluice.panic;`
pub const panic = std.debug.FullPanic(giveUp);

fn giveUp(message: []const u8, _: ?usize) noreturn {
    var room: [1024]u8 = undefined;
    log(std.fmt.bufPrint(&room, "panicked: {s}", .{message}) catch message);
    @trap();
}

/// Gives up like a panic, and says where: `sluice.fail(@src(), "why")`.
pub fn fail(where: std.builtin.SourceLocation, message: []const u8) noreturn {
    std.debug.panic("{s}:{d}: {s}", .{ where.file, where.line, message });
}
