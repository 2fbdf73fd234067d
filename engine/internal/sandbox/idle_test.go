package sandbox

import (
	"slices"
	"testing"
)

// TestIdle sees which instance a processor gets: its own that was used last, or else another's that was not used for longest.
func TestIdle(t *testing.T) {
	instances := make([]*instance, 6)
	idle := newIdle(2)
	for n := range instances {
		instances[n] = &instance{}
		idle.put(instances[n], n%2)
	}
	number := func(i *instance) int { return slices.Index(instances, i) }
	for step, test := range []struct{ processor, want int }{
		{0, 4}, {1, 5}, {0, 2}, {0, 0}, // its own
		{0, 1},  // of the others', the first
		{3, 3},  // there are two shelves
		{0, -1}, // none is left
	} {
		if got := number(idle.take(test.processor)); got != test.want {
			t.Errorf("step %d: processor %d gets %d, want %d", step, test.processor, got, test.want)
		}
	}
	if idle.count != 0 {
		t.Errorf("%d are idle, want none", idle.count)
	}
}

// TestIdleTrim sees that what was taken meanwhile stays, on whatever shelf it lay.
func TestIdleTrim(t *testing.T) {
	idle := newIdle(2)
	put := func(processors ...int) (all []*instance) {
		for _, processor := range processors {
			i := &instance{}
			idle.put(i, processor)
			all = append(all, i)
		}
		return all
	}
	mine, others := put(0, 0, 0), put(1, 1)
	if unneeded := idle.trim(); len(unneeded) != 0 {
		t.Fatalf("the first look takes %d", len(unneeded))
	}
	idle.put(idle.take(0), 0)
	idle.put(idle.take(1), 1)
	if unneeded, want := idle.trim(), []*instance{mine[0], mine[1], others[0]}; !slices.Equal(unneeded, want) {
		t.Errorf("the second look takes %d, want the three that nobody took", len(unneeded))
	}
	if all, want := idle.clear(), []*instance{mine[2], others[1]}; !slices.Equal(all, want) || idle.count != 0 {
		t.Errorf("%d are left, want the two that were taken", len(all))
	}
}
