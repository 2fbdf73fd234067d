package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	// listenTime is how long a server may take to listen. A sandboxed one compiles its modules first.
	listenTime = 2 * time.Minute
	// endTime is how long it may take to end after its stdin has.
	endTime = 10 * time.Second
)

// process is a server that runs as a child of this process. Both talk in lines: see serveRequests.
type process struct {
	address string

	cmd  *exec.Cmd
	ask  io.WriteCloser
	said *bufio.Reader
}

// startProcess starts a server and waits until it listens.
func startProcess(ctx context.Context, r rival, o *options) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"server", r.name, "--wasm", o.wasm}
	if o.profiles != "" {
		args = append(args, "--cpuprofile", o.profiles)
	}
	p := &process{cmd: exec.CommandContext(ctx, self, args...)}
	p.cmd.Stderr = os.Stderr
	p.ask, err = p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.said = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	late := time.AfterFunc(listenTime, p.kill)
	defer late.Stop()
	line, err := p.said.ReadString('\n')
	if err != nil {
		p.end()
		return nil, errors.New("the server ended before it listened")
	}
	p.address = strings.TrimSpace(line)
	return p, nil
}

// usage asks the server what it has used so far.
func (p *process) usage() (usage, error) {
	var u usage
	if _, err := io.WriteString(p.ask, "usage\n"); err != nil {
		return u, fmt.Errorf("the server ended: %w", err)
	}
	line, err := p.said.ReadBytes('\n')
	if err != nil {
		return u, fmt.Errorf("the server ended: %w", err)
	}
	return u, json.Unmarshal(line, &u)
}

// end lets the server write its profile and waits for it. How it ends no longer matters: what was measured stands.
func (p *process) end() {
	late := time.AfterFunc(endTime, p.kill)
	defer late.Stop()
	_ = p.ask.Close()
	_ = p.cmd.Wait()
}

func (p *process) kill() { _ = p.cmd.Process.Kill() }
