//go:build wasip1

// Command golang uses what programs in Go use of a system, and answers with how it went: arguments, environment, clocks,
// goroutines, randomness; files and the network, which are not there.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/sluicehttp/sluice/sdk-go/abi"
)

var (
	room   = make([]uint64, 64<<10/8)
	buffer = &abi.ReceiveBuffer{Base: address(unsafe.Pointer(unsafe.SliceData(room))), Size: 64 << 10}
)

//go:wasmexport receive_buffer
func receiveBuffer(size uint32) uintptr {
	if size > buffer.Size {
		return 0
	}
	return uintptr(unsafe.Pointer(buffer))
}

//go:wasmexport subscriptions
func subscriptions() uint32 {
	fmt.Println("started")
	return uint32(abi.SubscriptionsReady)
}

//go:wasmexport on_event
func onEvent(session, event uint32, payload uintptr, payloadLen uint32) {
	fmt.Fprintln(os.Stderr, "asked")
	answer := report()
	abi.Send(abi.Session(session), 200, nil, answer)
	runtime.KeepAlive(answer)
}

func report() []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, "args", os.Args)
	fmt.Fprintln(&b, "env", os.Getenv("KEY"), len(os.Environ()))
	fmt.Fprintln(&b, "clock", time.Now().Year() > 2020)
	fmt.Fprintln(&b, "sleep", slept(10*time.Millisecond))
	fmt.Fprintln(&b, "random", random() != random())
	_, err := os.Open("/etc/hostname")
	fmt.Fprintln(&b, "file", errors.Is(err, syscall.EBADF))
	fmt.Fprintln(&b, "network", network() != nil)
	return b.Bytes()
}

// slept sleeps in one goroutine and waits for it in another.
func slept(d time.Duration) bool {
	began := time.Now()
	done := make(chan bool)
	go func() {
		time.Sleep(d)
		done <- time.Since(began) >= d
	}()
	return <-done
}

func random() (key [16]byte) {
	rand.Read(key[:])
	return key
}

func network() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:1/", nil)
	if err != nil {
		return nil
	}
	_, err = http.DefaultClient.Do(request)
	return err
}

func address(p unsafe.Pointer) uint32 { return uint32(uintptr(p)) }

func main() {}
