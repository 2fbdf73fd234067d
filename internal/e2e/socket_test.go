package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// socket is a connection on which a test writes bytes itself.
type socket struct {
	*net.TCPConn
	reader *bufio.Reader
}

// dial opens a connection that the end of the test closes.
func (s *server) dial(t *testing.T) *socket {
	t.Helper()
	c, err := s.connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// connect opens a connection.
func (s *server) connect() (*socket, error) {
	connection, err := net.DialTimeout("tcp", s.addr, patience)
	if err != nil {
		return nil, err
	}
	_ = connection.SetDeadline(time.Now().Add(patience))
	return &socket{connection.(*net.TCPConn), bufio.NewReader(connection)}, nil
}

// send writes a text whose lines may end with \n alone.
func (c *socket) send(t *testing.T, text string) {
	t.Helper()
	if _, err := io.WriteString(c, crlf(text)); err != nil {
		t.Fatal(err)
	}
}

// crlf has every line end with \r\n.
func crlf(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
}

// receive reads the head of an answer to a request with the method; its body is to be read from the answer.
func (c *socket) receive(t *testing.T, method string) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(c.reader, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// want reads a whole answer and compares it. A content of "*" stands for any.
func (c *socket) want(t *testing.T, status int, content string) *http.Response {
	t.Helper()
	response := c.receive(t, http.MethodGet)
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("the body of the answer: %v", err)
	}
	if response.StatusCode != status || content != "*" && string(got) != content {
		t.Fatalf("got %d %q, want %d %q", response.StatusCode, got, status, content)
	}
	return response
}

// wantClosed expects that the peer closes the connection, without sending anything more.
func (c *socket) wantClosed(t *testing.T) {
	t.Helper()
	switch next, err := c.reader.Peek(1); {
	case err == nil:
		t.Errorf("the peer sent %q more, want the end of the connection", next)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
	default:
		t.Errorf("the connection is not closed: %v", err)
	}
}

// ask makes one request on a connection of its own.
func (s *server) ask(t *testing.T, target string, status int, content string) *http.Response {
	t.Helper()
	c := s.dial(t)
	defer c.Close()
	c.send(t, fmt.Sprintf("GET %s HTTP/1.1\nHost: localhost\nConnection: close\n\n", target))
	response := c.want(t, status, content)
	c.wantClosed(t)
	return response
}
