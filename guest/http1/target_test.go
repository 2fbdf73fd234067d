package http1

import (
	"net/netip"
	"strings"
	"testing"
)

// TestAuthority tells authorities from what only looks like one.
func TestAuthority(t *testing.T) {
	for text, want := range map[string]bool{
		"a": true, "a.b-c": true, "a:": true, "a:0": true, "a:65535": true, "a:000080": true, "%41": true, "1.2.3.4:5": true,
		"[::]": true, "[::1]:80": true, "[1:2:3:4:5:6:7:8]": true, "[1:2:3:4:5:6:1.2.3.4]": true, "[v1.a:b]": true,
		"": false, ":80": false, "a:65536": false, "a:99999999999999999999": false, "a:x": false, "a b": false, "%4": false,
		"[zz]": false, "[]": false, "[::1": false, "[::1]x": false, "[1::2::3]": false, "[:1]": false, "[1:]": false,
		"[1:2:3:4:5:6:7:8:9]": false, "[1:2:3:4:5:6:7]": false, "[12345::]": false, "[::1.2.3]": false, "[::1.2.3.256]": false,
		"[::01.2.3.4]": false, "[1:2:3:4:5:6:7:1.2.3.4]": false, "[v.a]": false, "[v1.]": false, "[vg.a]": false, "[::1%25eth0]": false,
	} {
		if got := isAuthority([]byte(text), false); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// FuzzIPv6 compares with the standard library, which also takes zones and embeds nothing else.
func FuzzIPv6(f *testing.F) {
	for _, text := range []string{"::", "1::", "::1", "1:2:3:4:5:6:7:8", "1::1.2.3.4", "::ffff:255.255.255.255", "1:2:3:4:5:6::", "::2:3:4:5:6:7:8"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		address, err := netip.ParseAddr(text)
		want := err == nil && address.Is6() && !strings.Contains(text, "%")
		if got := isIPv6([]byte(text)); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	})
}
