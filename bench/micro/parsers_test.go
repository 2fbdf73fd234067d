package micro

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadDuels(t *testing.T) {
	got, err := readDuels("goos: linux\n" +
		"BenchmarkDuel/80B/wasm-receive/llhttp-simd \t     129\t      2534 ours-ns\t      2415 rival-ns\t         0.9578 x\n" +
		"BenchmarkDuel/80B/native-receive/net-http  \t      84\t       213.4 ours-ns\t      1761 rival-ns\t         8.035 x\nPASS\n")
	want := []duel{
		{"80B/wasm-receive/llhttp-simd", 2534, 2415, 0.9578},
		{"80B/native-receive/net-http", 213.4, 1761, 8.035},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	for _, line := range []string{
		"BenchmarkDuel/a/b/c \t--- SKIP: BenchmarkDuel/a/b/c\n",
		"BenchmarkDuel/a/b/c 1 1 ours-ns 1 rival-ns\n",
		"BenchmarkDuel/a/b/c 1 1 ours-ns 1 rival-ns NaNs x\n",
	} {
		if got, err := readDuels(line); err == nil {
			t.Errorf("%v in %q", got, line)
		}
	}
}

func TestDuels(t *testing.T) {
	round := func(ratio float64) []duel {
		return []duel{
			{"80B/wasm-receive/llhttp-simd", 100, 100 * ratio, ratio},
			{"80B/native-receive/net-http", 100, 100 * ratio, ratio},
			{"80B/wasm-exchange/llhttp-simd", 100, 100, 1},
		}
	}
	var text strings.Builder
	writeDuels(&text, time.Second, [][]duel{round(4), round(4.5), round(6)})
	got := strings.Join(strings.Fields(text.String()), " ")
	for _, want := range []string{
		"wasm-receive llhttp-simd 80B 100 450 4.50 [4.00-6.00] 2: held",
		"native-receive net-http 80B 100 450 4.50 [4.00-6.00] 5: missed",
		"wasm-exchange llhttp-simd 80B 100 100 1.00 [1.00-1.00] - Noisy",
		"Noisy ratios, whose median may be off by: 80B/wasm-receive/llhttp-simd 40 %, 80B/native-receive/net-http 40 %.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, text.String())
		}
	}
}
