package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/sluicehttp/sluice/engine"
)

// large is a module of 85 kB as a compiler makes it, from testdata/tenant.rs; each number makes another.
func large(tb testing.TB, number int) Module {
	const place = "00000000 is this tenant's"
	const path = "../build/measured/tenant.wasm"
	wasm, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("SLUICE_REQUIRE_TOOLCHAINS") != "1" {
		tb.Skipf("%v: ./build.sh test makes it", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	if count := bytes.Count(wasm, []byte(place)); count != 1 {
		tb.Fatalf("%s holds %q %d times, want once", path, place, count)
	}
	copy(wasm[bytes.Index(wasm, []byte(place)):], fmt.Sprintf("%08d", number))
	return Module{Name: "large.wasm", Wasm: wasm}
}

// crowd are so many tenants, the first of them with modules of their own, which lie in files.
func crowd(b *testing.B, count, active int) []Tenant {
	dir := b.TempDir()
	file := func(i int) string { return filepath.Join(dir, fmt.Sprintf("%d.wasm", i)) }
	for i := range active {
		if err := os.WriteFile(file(i), large(b, i).Wasm, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	tenants := make([]Tenant, count)
	for i := range tenants {
		module := Module{Name: "large.wasm", Open: func() ([]byte, error) { return os.ReadFile(file(i % active)) }}
		tenants[i] = one(fmt.Sprintf("t%d", i), module, fmt.Sprintf("t%d.example", i))
	}
	return tenants
}

// fill has an engine compile the modules of the first tenants, so that they are in the cache.
func fill(b *testing.B, config Config, active int) {
	e, addr := start(b, config)
	askEach(b, addr, active)
	if err := e.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	debug.FreeOSMemory()
}

// askEach has the first tenants answer one after the other, and says how long each took, in milliseconds.
func askEach(b *testing.B, addr string, count int) []float64 {
	var times []float64
	for i := range count {
		began := time.Now()
		check(b, ask(b, addr, fmt.Sprintf("t%d.example", i), "/", ""), fmt.Sprintf("200 %08d", i))
		times = append(times, time.Since(began).Seconds()*1000)
	}
	slices.Sort(times)
	return times
}

// BenchmarkColdTenant takes the time of the first request to a tenant whose module of 100 KB is in the cache on the disk, and
// of the second.
func BenchmarkColdTenant(b *testing.B) {
	const count = 50
	config := Config{CacheDir: b.TempDir(), Tenants: crowd(b, count, count)}
	fill(b, config, count)
	var cold, warm []float64
	for b.Loop() {
		e, addr := start(b, config)
		cold = append(cold, askEach(b, addr, count)...)
		warm = append(warm, askEach(b, addr, count)...)
		if err := e.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(cold)
	slices.Sort(warm)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(len(large(b, 0).Wasm))/1000, "module-kB")
	b.ReportMetric(cold[len(cold)/2], "cold-ms")
	b.ReportMetric(cold[len(cold)*95/100], "cold-p95-ms")
	b.ReportMetric(warm[len(warm)/2], "warm-ms")
}

// BenchmarkTenants keeps 10,000 tenants, of whom 1,000 have been asked and have modules of their own, and reports the memory
// of the process.
func BenchmarkTenants(b *testing.B) {
	const count, active = 10_000, 1_000
	config := Config{CacheDir: b.TempDir(), Tenants: crowd(b, count, active), MaxLoaded: active, TenantIdle: time.Hour}
	fill(b, config, active)
	for b.Loop() {
		before := memory(b, "VmRSS:")
		e, addr := start(b, config)
		askEach(b, addr, active)
		b.ReportMetric(memory(b, "VmRSS:"), "MiB")
		b.ReportMetric(before, "before-MiB")
		stats := e.Stats()
		b.ReportMetric(float64(stats.Loaded), "loaded")
		if err := e.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// memory is a size of this process's memory in MiB, by its name in proc_pid_status(5).
func memory(b *testing.B, name string) float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("the memory of a process is told by Linux alone")
	}
	for line := range strings.Lines(string(status)) {
		if words := strings.Fields(line); len(words) == 3 && words[0] == name {
			kib, _ := strconv.ParseFloat(words[1], 64)
			return kib / 1024
		}
	}
	b.Fatal("no " + name)
	return 0
}
