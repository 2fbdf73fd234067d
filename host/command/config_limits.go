package command

import "github.com/sluicehttp/sluice/engine"

// limitsTable is [limits].
type limitsTable struct {
	sizesTable
	HeadTime *scalar `toml:"head_time"`
	timesTable
	handlerTable
}

// routeLimitsTable is [route.limits], [tenant.limits] or [tenant.route.limits]. It has no head_time: a route is known only
// when the head is complete.
type routeLimitsTable struct {
	sizesTable
	timesTable
	handlerTable
}

type sizesTable struct {
	StartLine     *scalar `toml:"start_line"`
	Head          *scalar `toml:"head"`
	Fields        *scalar `toml:"fields"`
	ChunkLine     *scalar `toml:"chunk_line"`
	Trailers      *scalar `toml:"trailers"`
	TrailerFields *scalar `toml:"trailer_fields"`
	Buffered      *scalar `toml:"buffered"`
}

type timesTable struct {
	BodyIdle      *scalar `toml:"body_idle"`
	KeepAliveIdle *scalar `toml:"keep_alive_idle"`
	WriteIdle     *scalar `toml:"write_idle"`
	HandlerWall   *scalar `toml:"handler_wall"`
}

// handlerTable is what handlers may take.
type handlerTable struct {
	Memory     *scalar `toml:"memory"`
	CPU        *scalar `toml:"cpu"`
	Concurrent *scalar `toml:"concurrent"`
	Queue      *scalar `toml:"queue"`
	Response   *scalar `toml:"response"`
	EventRate  *scalar `toml:"event_rate"`
	Log        *scalar `toml:"log"`
}

func (t *limitsTable) values(limits *engine.Limits) []value {
	values := append(t.sizesTable.values(limits), value{"head_time", t.HeadTime, (*duration)(&limits.HeadTime)})
	return append(append(values, t.timesTable.values(limits)...), t.handlerTable.values(limits)...)
}

func (t *routeLimitsTable) values(limits *engine.Limits) []value {
	return append(append(t.sizesTable.values(limits), t.timesTable.values(limits)...), t.handlerTable.values(limits)...)
}

func (t *sizesTable) values(limits *engine.Limits) []value {
	return []value{
		{"start_line", t.StartLine, (*byteSize)(&limits.StartLine)},
		{"head", t.Head, (*byteSize)(&limits.Head)},
		{"fields", t.Fields, (*count)(&limits.Fields)},
		{"chunk_line", t.ChunkLine, (*byteSize)(&limits.ChunkLine)},
		{"trailers", t.Trailers, (*byteSize)(&limits.Trailers)},
		{"trailer_fields", t.TrailerFields, (*count)(&limits.TrailerFields)},
		{"buffered", t.Buffered, (*byteSize)(&limits.Buffered)},
	}
}

func (t *timesTable) values(limits *engine.Limits) []value {
	return []value{
		{"body_idle", t.BodyIdle, (*duration)(&limits.BodyIdle)},
		{"keep_alive_idle", t.KeepAliveIdle, (*duration)(&limits.KeepAliveIdle)},
		{"write_idle", t.WriteIdle, (*duration)(&limits.WriteIdle)},
		{"handler_wall", t.HandlerWall, (*duration)(&limits.HandlerWall)},
	}
}

func (t *handlerTable) values(limits *engine.Limits) []value {
	return []value{
		{"memory", t.Memory, (*byteSize)(&limits.Memory)},
		{"cpu", t.CPU, (*duration)(&limits.CPU)},
		{"concurrent", t.Concurrent, (*count)(&limits.Concurrent)},
		{"queue", t.Queue, (*count)(&limits.Queue)},
		{"response", t.Response, (*byteSize)(&limits.Response)},
		{"event_rate", t.EventRate, (*count)(&limits.EventRate)},
		{"log", t.Log, (*byteSize)(&limits.Log)},
	}
}
