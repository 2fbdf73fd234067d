// Package micro has benchmarks run that stand beside the code they measure, and puts their figures together: parsers, and what
// the sandbox costs. They take nanoseconds, and need no server.
package micro

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Site is where the code is.
type Site struct {
	// Root is the folder of the repository, Scratch one for what is built.
	Root, Scratch string
}

// benchmarks builds the tests of a package, which its benchmarks are among, and gives the program and the folder to run it in.
func (s *Site) benchmarks(ctx context.Context, pkg string) (program, dir string, err error) {
	program, dir = filepath.Join(s.Scratch, strings.ReplaceAll(pkg, "/", "-")+".test"), filepath.Join(s.Root, pkg)
	if _, err := os.Stat(program); !errors.Is(err, fs.ErrNotExist) {
		return program, dir, err
	}
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./"+pkg)
	build.Dir, build.Stderr = s.Root, os.Stderr
	if err := build.Run(); err != nil {
		return "", "", fmt.Errorf("building the benchmarks of %s: %w", pkg, err)
	}
	return program, dir, nil
}
