package rivals

import (
	"os"
	"path/filepath"
	"strings"
)

// installed gives a file that install.sh has made for a server.
func installed(site *Site, server, file string) (string, error) {
	path := filepath.Join(site.Build, "rivals", server, file)
	if _, err := os.Stat(path); err != nil {
		return "", notInstalled(site, server)
	}
	return path, nil
}

// notInstalled gives the reason why install.sh could not install a server, if it was run.
func notInstalled(site *Site, server string) error {
	reason, err := os.ReadFile(filepath.Join(site.Build, "rivals", server+".missing"))
	if err != nil {
		return Missingf("it is not installed; bench/rivals/install.sh does that")
	}
	return Missingf("bench/rivals/install.sh could not install it: %s", strings.TrimSpace(string(reason)))
}
