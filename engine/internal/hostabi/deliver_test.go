package hostabi_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/wazerotest"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/engine/internal/exchange"
	. "github.com/sluicehttp/sluice/engine/internal/hostabi"
	"github.com/sluicehttp/sluice/engine/internal/hostabi/exchangetest"
)

// sentinel fills the memory around what the host may write.
const sentinel = 0xa5

func TestPayloads(t *testing.T) {
	line := exchangetest.Line("POST", "/path?q")
	fields := exchange.NewFields("Host", "example.org", "X-Empty", "", "", "")
	for _, test := range []struct {
		name string
		want abi.Subscriptions
		ev   exchange.Event
		text string
	}{
		{"line", AllSubscriptions, exchange.Event{Kind: abi.EventLineReady, Line: line}, "POST /path?q 0101"},
		{"header", AllSubscriptions, exchange.Event{Kind: abi.EventHeaderReady, Fields: fields},
			"[Host: example.org][X-Empty: ][: ]"},
		{"header without fields", AllSubscriptions, exchange.Event{Kind: abi.EventHeaderReady}, ""},
		{"data", AllSubscriptions,
			exchange.Event{Kind: abi.EventDataReady, Data: []byte("body"), Flags: abi.DataFlagsChunkEnd}, "body flags 2"},
		{"trailer", AllSubscriptions, exchange.Event{Kind: abi.EventTrailerReady, Fields: fields},
			"[Host: example.org][X-Empty: ][: ]"},
		{"closed", AllSubscriptions, exchange.Event{Kind: abi.EventClosed,
			Closed: abi.Closed{Side: abi.ClosedSideBoth, Reason: abi.CloseReasonTimeout}}, "both timeout"},
		{"upgraded", AllSubscriptions, exchange.Event{Kind: abi.EventUpgraded}, "nothing"},
		{"message", abi.SubscriptionsReady,
			exchange.Event{Kind: abi.EventReady, Line: line, Fields: fields, Data: []byte("body")},
			"POST /path?q 0101 [Host: example.org][X-Empty: ][: ] body"},
		{"message without anything", abi.SubscriptionsReady, exchange.Event{Kind: abi.EventReady}, "  0000  "},
		{"end", AllSubscriptions, exchange.Event{Kind: abi.EventReady, Line: line, Fields: fields}, "nothing"},
		{"done", AllSubscriptions, exchange.Event{Kind: abi.EventDone}, "nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDelivery(t, test.want, 4096)
			payload := d.push(t, test.ev)
			if got := d.text(t, test.want, test.ev.Kind, payload); got != test.text {
				t.Errorf("got %q, want %q", got, test.text)
			}
			d.checkSentinels(t, payload)
		})
	}
}

// TestFieldsAreCopiedWholeOrApart puts names and values where the front end may have them.
func TestFieldsAreCopiedWholeOrApart(t *testing.T) {
	const far = 60 << 10
	for _, test := range []struct {
		name   string
		places []uint32 // of name, value, name, value: 4 bytes each
		size   uint32   // of the payload
	}{
		{"close together", []uint32{5000, 5006, 5012, 5018}, 8 + 32 + 22},
		{"in another order", []uint32{5018, 5000, 5006, 5012}, 8 + 32 + 22},
		{"all the same", []uint32{5000, 5000, 5000, 5000}, 8 + 32 + 4},
		{"far apart", []uint32{0, far, 8, far + 4}, 8 + 32 + 16},
		{"just close enough", []uint32{0, 10, 20, 28}, 8 + 32 + 32},
		{"just too far", []uint32{0, 10, 20, 29}, 8 + 32 + 16},
	} {
		t.Run(test.name, func(t *testing.T) {
			fields := exchange.Fields{Bytes: bytes.Repeat([]byte("0123456789abcdef"), 4<<10)}
			for _, place := range test.places {
				fields.Table = binary.LittleEndian.AppendUint32(fields.Table, place)
				fields.Table = binary.LittleEndian.AppendUint32(fields.Table, 4)
			}
			d := newDelivery(t, AllSubscriptions, 4096)
			payload := d.push(t, exchange.Event{Kind: abi.EventHeaderReady, Fields: fields})
			if got, want := d.text(t, AllSubscriptions, abi.EventHeaderReady, payload), fieldsText(fields); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if payload.Len != test.size {
				t.Errorf("the payload takes %d bytes, want %d", payload.Len, test.size)
			}
			d.checkSentinels(t, payload)
		})
	}
}

// TestEmptyValuesMayLieAnywhere has an empty value far from everything else, which must not be reached for.
func TestEmptyValuesMayLieAnywhere(t *testing.T) {
	for _, at := range []uint32{0, 60 << 10} {
		fields := exchange.Fields{Bytes: bytes.Repeat([]byte("0123456789abcdef"), 4<<10)}
		for _, v := range []uint32{5000, 4, at, 0} {
			fields.Table = binary.LittleEndian.AppendUint32(fields.Table, v)
		}
		d := newDelivery(t, AllSubscriptions, 4096)
		payload := d.push(t, exchange.Event{Kind: abi.EventHeaderReady, Fields: fields})
		if got := d.text(t, AllSubscriptions, abi.EventHeaderReady, payload); got != "[89ab: ]" || payload.Len != 8+16+4 {
			t.Errorf("got %q in %d bytes", got, payload.Len)
		}
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	long := strings.Repeat("x", 4096)
	text := func(n int) []byte { return []byte(long[:n]) }
	head := exchange.NewFields("A", long[:100])
	spread := exchange.Fields{ // fits only when copied apart
		Table: binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0), 2000),
		Bytes: text(4096),
	}
	spread.Table = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(spread.Table, 2096), 2000)
	ready := func(fields exchange.Fields, body int) exchange.Event {
		return exchange.Event{Kind: abi.EventReady, Line: exchangetest.Line("GET", "/"), Fields: fields, Data: text(body)}
	}
	const fixed = 36 + 3 + 1 + 16 + 101 // a message with that head

	for _, test := range []struct {
		name   string
		want   abi.Subscriptions
		ev     exchange.Event
		spare  uint32
		status uint16 // 0: it fits
		need   uint64
	}{
		{"line", AllSubscriptions,
			exchange.Event{Kind: abi.EventLineReady, Line: exchange.Line{Target: text(4096 - 20)}}, 0, 0, 0},
		{"line", AllSubscriptions,
			exchange.Event{Kind: abi.EventLineReady, Line: exchange.Line{Target: text(4096 - 19)}}, 0, 431, 4097},
		{"line with bytes to spare", AllSubscriptions,
			exchange.Event{Kind: abi.EventLineReady, Line: exchange.Line{Target: text(4096 - 20)}}, 1, 431, 4096},
		{"header", AllSubscriptions,
			exchange.Event{Kind: abi.EventHeaderReady, Fields: exchange.NewFields("", long[:4096-24])}, 0, 0, 0},
		{"header", AllSubscriptions,
			exchange.Event{Kind: abi.EventHeaderReady, Fields: exchange.NewFields("", long[:4096-23])}, 0, 431, 4097},
		{"header that fits without what lies between", AllSubscriptions,
			exchange.Event{Kind: abi.EventHeaderReady, Fields: spread}, 0, 0, 0},
		{"data", AllSubscriptions, exchange.Event{Kind: abi.EventDataReady, Data: text(4096 - 12)}, 0, 0, 0},
		{"data", AllSubscriptions, exchange.Event{Kind: abi.EventDataReady, Data: text(4096 - 11)}, 0, 413, 4097},
		{"message", abi.SubscriptionsReady, ready(head, 4096-fixed), 0, 0, 0},
		{"message", abi.SubscriptionsReady, ready(head, 4096-fixed+1), 0, 413, 4097},
		{"message with a large head", abi.SubscriptionsReady, ready(exchange.NewFields("", long), 1), 0, 431,
			36 + 4 + 16 + 4096 + 1},
		{"anything with nothing to spare", AllSubscriptions, exchange.Event{Kind: abi.EventDone}, 5000, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDelivery(t, test.want, 4096)
			d.x.Events = []exchange.Event{test.ev}
			d.x.limitless = true
			if err := d.Next(test.spare); err != nil {
				t.Fatal(err)
			}
			payload, err := d.Place(test.spare)
			d.checkSentinels(t, payload)
			if test.status == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var tooLarge *TooLarge
			if !errors.As(err, &tooLarge) {
				t.Fatalf("got error %v, want one of TooLarge", err)
			}
			if tooLarge.Status() != test.status || tooLarge.Need != test.need {
				t.Errorf("got status %d, need %d; want %d, %d", tooLarge.Status(), tooLarge.Need, test.status, test.need)
			}
		})
	}
}

func TestBrokenFrontEndIsAnError(t *testing.T) {
	fields := exchange.NewFields("a", "b")
	fields.Bytes = fields.Bytes[:1]
	for _, kind := range []abi.Event{abi.EventHeaderReady, abi.EventReady} {
		d := newDelivery(t, AllSubscriptions&^abi.SubscriptionsDataReady, 4096)
		d.x.Events = []exchange.Event{{Kind: kind, Fields: fields}}
		if err := d.Next(0); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Place(0); err == nil || errors.As(err, new(*TooLarge)) {
			t.Errorf("%v: got error %v", kind, err)
		}
	}
}

// FuzzFields compares what a handler sees with what the front end has, wherever the parts lie.
func FuzzFields(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2}, []byte("name: value"))
	f.Add([]byte{200, 1, 0, 2, 3, 0, 0, 0}, bytes.Repeat([]byte("x"), 256))
	f.Fuzz(func(t *testing.T, places, content []byte) {
		fields := exchange.Fields{Bytes: content}
		for ; len(places) >= 4; places = places[4:] {
			for _, v := range places[:4] {
				fields.Table = binary.LittleEndian.AppendUint32(fields.Table, uint32(v))
			}
		}
		valid := true
		for i := range fields.Len() {
			_, _, ok := fields.At(i)
			valid = valid && ok
		}
		d := newDelivery(t, AllSubscriptions, 8192)
		d.x.Events = []exchange.Event{{Kind: abi.EventHeaderReady, Fields: fields}}
		if err := d.Next(0); err != nil {
			t.Fatal(err)
		}
		payload, err := d.Place(0)
		d.checkSentinels(t, payload)
		switch {
		case errors.As(err, new(*TooLarge)):
		case valid != (err == nil):
			t.Errorf("valid is %v, error %v", valid, err)
		case valid:
			if got, want := d.text(t, AllSubscriptions, abi.EventHeaderReady, payload), fieldsText(fields); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

// delivery is a call without an instance: a memory and an exchange.
type delivery struct {
	*Call
	*Session
	memory *wazerotest.Memory
	x      *scripted
}

// scripted is an exchange that can be made to ignore the limit, as a broken front end might.
type scripted struct {
	exchangetest.Exchange
	limitless bool
}

func (x *scripted) Next(want abi.Subscriptions, limit int, ev *exchange.Event) error {
	if x.limitless {
		limit = 1 << 30
	}
	return x.Exchange.Next(want, limit, ev)
}

func newDelivery(t testing.TB, want abi.Subscriptions, size uint32) *delivery {
	t.Helper()
	d := &delivery{Call: NewMeteredCall(Limits{}), memory: wazerotest.NewFixedMemory(2 * wazerotest.PageSize), x: &scripted{}}
	for i := range d.memory.Bytes {
		d.memory.Bytes[i] = sentinel
	}
	buffer := abi.ReceiveBuffer{Base: bufferAddress, Size: size}
	buffer.Store(d.memory.Bytes[recordAddress:])
	d.Attach(d.memory, want)
	if err := d.SetReceiveBuffer(recordAddress, 0); err != nil {
		t.Fatal(err)
	}
	d.Session = d.Begin(d.x)
	return d
}

// TestDataInPlace has pieces of body come where they are going to be, in front of some of the buffer that is spared.
func TestDataInPlace(t *testing.T) {
	const size = 4096
	for _, spare := range []uint32{0, 1000} {
		for _, shared := range []bool{false, true} {
			d := newDelivery(t, abi.SubscriptionsDataReady, size)
			if shared {
				d.Share()
				d.Session = d.Join(d.x)
			}
			content := bytes.Repeat([]byte("0123456789"), size/10)
			d.x.Direct = true
			d.x.Events = []exchange.Event{{Kind: abi.EventDataReady, Data: bytes.Clone(content), Flags: abi.DataFlagsChunkStart}}
			if err := d.Next(spare); err != nil {
				t.Fatal(err)
			}
			room := d.memory.Bytes[bufferAddress+abi.DataSize]
			payload, err := d.Place(spare)
			if err != nil {
				t.Fatal(err)
			}
			if inPlace := room == content[0]; inPlace == shared {
				t.Errorf("spare %d, shared %v: in place %v", spare, shared, inPlace)
			}
			var data abi.Data
			data.Load(d.memory.Bytes[payload.Ptr:])
			want := content[:size-abi.DataSize-int(spare)]
			if got := d.at(t, payload, data.Content); !bytes.Equal(got, want) || data.Flags != abi.DataFlagsChunkStart {
				t.Errorf("spare %d, shared %v: %d bytes with flags %d, want %d", spare, shared, len(got), data.Flags, len(want))
			}
			d.checkSentinels(t, payload)
			if got, want := d.Payloads(), (Span{bufferAddress, bufferAddress + uint64(payload.Len)}); got != want {
				t.Errorf("spare %d, shared %v: the payload is noted at %v, want %v", spare, shared, got, want)
			}
		}
	}
}

func (d *delivery) push(t testing.TB, ev exchange.Event) abi.Bytes {
	t.Helper()
	d.x.Events = []exchange.Event{ev}
	if err := d.Next(0); err != nil {
		t.Fatal(err)
	}
	payload, err := d.Place(0)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// checkSentinels finds bytes that were written outside of the payload.
func (d *delivery) checkSentinels(t testing.TB, payload abi.Bytes) {
	t.Helper()
	for i, b := range d.memory.Bytes {
		at := uint32(i)
		inRecord := at >= recordAddress && at < recordAddress+abi.ReceiveBufferSize
		inPayload := at >= payload.Ptr && at < payload.Ptr+payload.Len
		if b != sentinel && !inRecord && !inPayload {
			t.Fatalf("byte %d was written; the payload is %d bytes at %d", at, payload.Len, payload.Ptr)
		}
	}
}

// text reads a payload as a handler would.
func (d *delivery) text(t testing.TB, want abi.Subscriptions, kind abi.Event, payload abi.Bytes) string {
	t.Helper()
	record := d.at(t, payload, payload)
	switch {
	case kind == abi.EventLineReady:
		var line abi.Line
		line.Load(record)
		return d.lineText(t, payload, line)
	case kind == abi.EventHeaderReady:
		var header abi.Header
		header.Load(record)
		return d.fieldsText(t, payload, header.Fields)
	case kind == abi.EventTrailerReady:
		var trailer abi.Trailer
		trailer.Load(record)
		return d.fieldsText(t, payload, trailer.Fields)
	case kind == abi.EventClosed:
		var closed abi.Closed
		closed.Load(record)
		return fmt.Sprintf("%v %v", closed.Side, closed.Reason)
	case kind == abi.EventDataReady:
		var data abi.Data
		data.Load(record)
		return fmt.Sprintf("%s flags %d", d.at(t, payload, data.Content), data.Flags)
	case kind == abi.EventReady && want&abi.SubscriptionsDataReady == 0:
		var message abi.Message
		message.Load(record)
		return fmt.Sprintf("%s %s %s", d.lineText(t, payload, message.Line),
			d.fieldsText(t, payload, message.Fields), d.at(t, payload, message.Body))
	case payload.Len > 0:
		t.Errorf("%v has a payload", kind)
	}
	return "nothing"
}

func (d *delivery) lineText(t testing.TB, payload abi.Bytes, line abi.Line) string {
	return fmt.Sprintf("%s %s %04x", d.at(t, payload, line.Method), d.at(t, payload, line.Target), line.Version)
}

func (d *delivery) fieldsText(t testing.TB, payload abi.Bytes, list abi.Fields) string {
	if list.Ptr%abi.FieldAlign != 0 {
		t.Errorf("the table of fields lies at %d, which is not aligned", list.Ptr)
	}
	table := d.at(t, payload, abi.Bytes{Ptr: list.Ptr, Len: list.Len * abi.FieldSize})
	text := ""
	for ; len(table) > 0; table = table[abi.FieldSize:] {
		var field abi.Field
		field.Load(table)
		text += fmt.Sprintf("[%s: %s]", d.at(t, payload, field.Name), d.at(t, payload, field.Value))
	}
	return text
}

// at is what a list names, which must lie in the payload.
func (d *delivery) at(t testing.TB, payload, list abi.Bytes) []byte {
	t.Helper()
	if list.Ptr < payload.Ptr || uint64(list.Ptr)+uint64(list.Len) > uint64(payload.Ptr)+uint64(payload.Len) {
		t.Fatalf("%d bytes at %d lie outside of the payload", list.Len, list.Ptr)
	}
	return d.memory.Bytes[list.Ptr:][:list.Len]
}

// fieldsText is what fieldsText of a delivery should be.
func fieldsText(fields exchange.Fields) string {
	text := ""
	for i := range fields.Len() {
		name, value, _ := fields.At(i)
		text += fmt.Sprintf("[%s: %s]", name, value)
	}
	return text
}

// BenchmarkPlaceHeader delivers a head of a browser's size.
func BenchmarkPlaceHeader(b *testing.B) {
	var pairs []string
	for i := range 15 {
		pairs = append(pairs, fmt.Sprintf("X-Field-%d", i), strings.Repeat("v", 25))
	}
	d := newDelivery(b, AllSubscriptions, 8192)
	d.x.Events = []exchange.Event{{Kind: abi.EventHeaderReady, Fields: exchange.NewFields(pairs...)}}
	if err := d.Next(0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Place(0); err != nil {
			b.Fatal(err)
		}
	}
}
