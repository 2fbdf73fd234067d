package command

import (
	"runtime/debug"
	"testing"
)

func TestProgramVersion(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, test := range []struct {
		version  string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.3", []debug.BuildSetting{revision}, "v1.2.3"},
		{"(devel)", []debug.BuildSetting{revision}, "0123456789ab"},
		{"", []debug.BuildSetting{revision, modified}, "0123456789ab+dirty"},
		{"(devel)", nil, "devel"},
	} {
		build := &debug.BuildInfo{Main: debug.Module{Version: test.version}, Settings: test.settings}
		if got := programVersion(build); got != test.want {
			t.Errorf("%q %v: got %s, want %s", test.version, test.settings, got, test.want)
		}
	}
	if got := programVersion(nil); got != "devel" {
		t.Errorf("no build info: got %s", got)
	}
}
