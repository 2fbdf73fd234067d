package http1

import "testing"

// TestSet sets records that hold something else.
func TestSet(t *testing.T) {
	event := EventRecord{255, 255, 255, 255, 255, 255, Span{255, 255}, Span{255, 255}, Span{255, 255}, 255, 255, [6]byte{}}
	event.set(eventWord(EventTrailerReady, 0x102, 0x304, 0x506), 1<<40, pack(1, 2), pack(3, 4), pack(5, 6), 1<<50)
	want := EventRecord{Kind: EventTrailerReady, Flags: 0x102, Version: 0x304, FieldCount: 0x506, Position: 1 << 40,
		First: Span{1, 2}, Second: Span{3, 4}, Authority: Span{5, 6}, Length: 1 << 50}
	if event != want {
		t.Errorf("%+v, want %+v", event, want)
	}
	reception := Reception{255, 255, 255, 255, 255, 255, [2]byte{}, 255}
	reception.set(1, 2, ReaderStateEnded)
	if want := (Reception{Consumed: 1, EventCount: 2, State: ReaderStateEnded}); reception != want {
		t.Errorf("%+v, want %+v", reception, want)
	}
	span := Span{1<<32 - 1, 1<<32 - 2}
	if packed := span.pack(); packed != 0xfffffffe_ffffffff {
		t.Errorf("%#x", packed)
	}
}
