package account_test

import (
	"reflect"
	"sync"
	"testing"
	"unsafe"

	. "github.com/sluicehttp/sluice/engine/internal/account"
)

// TestSumsUp adds to each counter of two routes and finds it in the tenant, and nothing of it anywhere else.
func TestSumsUp(t *testing.T) {
	tenant := New(nil)
	one, other := New(tenant), New(tenant)
	counters := func(a *Account) (list []*Counter) {
		v := reflect.ValueOf(a).Elem()
		for i := range v.NumField() {
			switch field := v.Field(i).Addr().Interface().(type) {
			case *Counter:
				list = append(list, field)
			case *[Faults]Counter:
				for j := range field {
					list = append(list, &field[j])
				}
			}
		}
		return list
	}
	all := counters(tenant)
	if want := 8 + Faults; len(all) != want {
		t.Fatalf("%d counters were found, want %d", len(all), want)
	}
	for i := range all {
		counters(one)[i].Add(int64(i + 5))
		counters(other)[i].Add(-2)
	}
	for i, counter := range all {
		if got, want := counter.Load(), int64(i+3); got != want {
			t.Errorf("counter %d of the tenant is %d, want %d", i, got, want)
		}
		if got, want := counters(one)[i].Load(), int64(i+5); got != want {
			t.Errorf("counter %d of the route is %d, want %d", i, got, want)
		}
	}
}

func TestConcurrentAdds(t *testing.T) {
	tenant := New(nil)
	var group sync.WaitGroup
	for range 4 {
		route := New(tenant)
		group.Go(func() {
			for range 1000 {
				route.Memory.Add(3)
				route.Memory.Add(-1)
			}
		})
	}
	group.Wait()
	if got := tenant.Memory.Load(); got != 8000 {
		t.Errorf("got %d, want 8000", got)
	}
}

func TestFaultNames(t *testing.T) {
	seen := map[string]bool{}
	for kind := range Fault(Faults) {
		if name := kind.String(); name == "" || seen[name] {
			t.Errorf("kind %d has the name %q, which is empty or taken", kind, name)
		}
		seen[kind.String()] = true
	}
	if got := Fault(Faults).String(); got != "other" {
		t.Errorf("a kind that there is not is called %q", got)
	}
}

// TestSize keeps an account small: there are two for every tenant, at work or not.
func TestSize(t *testing.T) {
	if size := unsafe.Sizeof(Account{}); size > 320 {
		t.Errorf("an account takes %d bytes", size)
	}
}

// BenchmarkAdd is what a request costs each time that it is counted.
func BenchmarkAdd(b *testing.B) {
	route := New(New(nil))
	for b.Loop() {
		route.Requests.Add(1)
	}
}
