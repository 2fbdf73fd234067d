package abi_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/sluicehttp/sluice/abi"
	"github.com/sluicehttp/sluice/guest/http1"
	sdk "github.com/sluicehttp/sluice/sdk-go/abi"
)

// recordVectors is what vectors.json says of one record.
type recordVectors struct {
	Name    string
	For     string // everyone, handlers or core: whose bindings have the record
	Vectors []struct {
		Name  string
		Bytes string // hexadecimal
		Value map[string]any
	}
}

func readVectors(t *testing.T) []recordVectors {
	t.Helper()
	text, err := os.ReadFile("vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Records []recordVectors }
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	if len(file.Records) == 0 {
		t.Fatal("vectors.json has no records")
	}
	return file.Records
}

// codec is what every record of package abi can do.
type codec interface {
	Load([]byte)
	Store([]byte)
}

var hostRecords = []codec{
	&abi.Field{}, &abi.Line{}, &abi.Header{}, &abi.Data{}, &abi.Message{}, &abi.Delivery{}, &abi.ReceiveBuffer{},
	&abi.Span{}, &abi.FieldSpan{}, &abi.EventRecord{}, &abi.Reception{}, &abi.Framing{}, &abi.Limits{}, &abi.Layout{},
	&abi.Trailer{}, &abi.Closed{}, &abi.ConnectionState{},
}

// Records that lie in memory as they are: pointers to them.
var (
	coreRecords = []any{
		&http1.Span{}, &http1.FieldSpan{}, &http1.EventRecord{}, &http1.Reception{}, &http1.Framing{}, &http1.Limits{},
		&http1.Layout{}, &http1.ConnectionState{},
	}
	handlerRecords = []any{
		&sdk.Field{}, &sdk.Line{}, &sdk.Header{}, &sdk.Data{}, &sdk.Message{}, &sdk.Delivery{}, &sdk.ReceiveBuffer{},
		&sdk.Trailer{}, &sdk.Closed{},
	}
)

func TestHostRecords(t *testing.T) {
	for _, r := range readVectors(t) {
		i := slices.IndexFunc(hostRecords, func(c codec) bool { return isNamed(c, r.Name) })
		if i < 0 {
			t.Errorf("record %s is not tested: add it to hostRecords", r.Name)
			continue
		}
		record := hostRecords[i]
		for _, v := range r.Vectors {
			t.Run(r.Name+"/"+v.Name, func(t *testing.T) {
				want := unhex(t, v.Bytes)

				clearRecord(record)
				record.Load(want)
				compare(t, r.Name, reflect.ValueOf(record).Elem(), v.Value)

				clearRecord(record)
				assign(t, r.Name, reflect.ValueOf(record).Elem(), v.Value)
				got := bytes.Repeat([]byte{0xaa}, len(want)+8) // so that padding has to be written
				record.Store(got)
				if !bytes.Equal(got[:len(want)], want) {
					t.Errorf("stored\n%x, want\n%x", got[:len(want)], want)
				}
				if !bytes.Equal(got[len(want):], bytes.Repeat([]byte{0xaa}, 8)) {
					t.Errorf("stored %x behind the record", got[len(want):])
				}
			})
		}
	}
}

func TestHostRecordsDoNotAllocate(t *testing.T) {
	b := make([]byte, 256)
	for _, record := range hostRecords {
		if n := testing.AllocsPerRun(10, func() { record.Load(b); record.Store(b) }); n > 0 {
			t.Errorf("%T allocates %v times", record, n)
		}
	}
}

func TestHostRecordsPanicOnShortSlices(t *testing.T) {
	for _, r := range readVectors(t) {
		i := slices.IndexFunc(hostRecords, func(c codec) bool { return isNamed(c, r.Name) })
		if i < 0 {
			continue // TestHostRecords fails
		}
		short := unhex(t, r.Vectors[0].Bytes)[1:]
		for name, f := range map[string]func([]byte){"Load": hostRecords[i].Load, "Store": hostRecords[i].Store} {
			panicked := func() (panicked bool) {
				defer func() { panicked = recover() != nil }()
				f(short)
				return false
			}()
			if !panicked {
				t.Errorf("%s.%s took a slice that is a byte too short", r.Name, name)
			}
		}
	}
}

func TestCoreRecords(t *testing.T)        { testStructs(t, "core", coreRecords) }
func TestHandlerRecordsInGo(t *testing.T) { testStructs(t, "handlers", handlerRecords) }

// testStructs holds structs against the vectors as they lie in memory.
func testStructs(t *testing.T, audience string, records []any) {
	if probe := uint16(1); *(*byte)(unsafe.Pointer(&probe)) != 1 {
		t.Skip("this machine is big-endian: the structs have the bytes of the interface only where they are used, in wasm")
	}
	for _, r := range readVectors(t) {
		i := slices.IndexFunc(records, func(record any) bool { return isNamed(record, r.Name) })
		if (r.For == audience || r.For == "everyone") && i < 0 {
			t.Errorf("record %s is not tested: add it to the list for %s", r.Name, audience)
		}
		if i < 0 {
			continue
		}
		value := reflect.ValueOf(records[i]).Elem()
		memory := unsafe.Slice((*byte)(value.Addr().UnsafePointer()), value.Type().Size())
		for _, v := range r.Vectors {
			t.Run(r.Name+"/"+v.Name, func(t *testing.T) {
				want := unhex(t, v.Bytes)
				if len(memory) != len(want) {
					t.Fatalf("the struct has %d bytes, the record %d", len(memory), len(want))
				}
				copy(memory, want)
				compare(t, r.Name, value, v.Value)

				clear(memory)
				assign(t, r.Name, value, v.Value)
				if !bytes.Equal(memory, want) {
					t.Errorf("in memory\n%x, want\n%x", memory, want)
				}
			})
		}
	}
}

// compare holds the fields of a struct against the value of a vector.
func compare(t *testing.T, path string, got reflect.Value, want map[string]any) {
	t.Helper()
	forEachField(t, path, got, want, func(path string, field reflect.Value, want uint64) {
		if field.Uint() != want {
			t.Errorf("%s = %d, want %d", path, field.Uint(), want)
		}
	})
}

// assign sets the fields of a struct to the value of a vector.
func assign(t *testing.T, path string, to reflect.Value, value map[string]any) {
	t.Helper()
	forEachField(t, path, to, value, func(_ string, field reflect.Value, value uint64) { field.SetUint(value) })
}

// forEachField calls visit with every number of a struct and its counterpart in a vector. It fails when one of the two has
// a field more.
func forEachField(t *testing.T, path string, record reflect.Value, value map[string]any,
	visit func(path string, field reflect.Value, value uint64)) {
	t.Helper()
	fields := 0
	for i := range record.NumField() {
		if record.Type().Field(i).Name != "_" {
			fields++
		}
	}
	if fields != len(value) {
		t.Fatalf("%s has %d fields, its vector %d", path, fields, len(value))
	}
	for name, v := range value {
		path := path + "." + name
		field := record.FieldByNameFunc(func(goName string) bool { return sameName(goName, name) })
		if !field.IsValid() {
			t.Fatalf("no field %s", path)
		}
		if inner, ok := v.(map[string]any); ok {
			forEachField(t, path, field, inner, visit)
			continue
		}
		number, err := strconv.ParseUint(fmt.Sprint(v), 10, 64)
		if err != nil {
			t.Fatalf("%s in vectors.json: %v", path, err)
		}
		visit(path, field, number)
	}
}

// isNamed reports whether a pointer to a struct is for the record with that name.
func isNamed(record any, name string) bool {
	return sameName(reflect.TypeOf(record).Elem().Name(), name)
}

func sameName(goName, name string) bool {
	return strings.EqualFold(goName, strings.ReplaceAll(name, "_", ""))
}

func clearRecord(record any) { reflect.ValueOf(record).Elem().SetZero() }

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
