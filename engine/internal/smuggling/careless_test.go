package smuggling

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Servers that make the mistakes that these tests are to find: a check that was never seen to fail is not a check.

// TestFindsCarelessBack has a back behind Sluice that knows nothing of chunks.
func TestFindsCarelessBack(t *testing.T) {
	c := newSluiceChain(t, "Sluice, careless", newCarelessBack)
	j := c.run(t, []*payload{
		serve("plain", get+"\r\n"),
		serve("a length", post+"Content-Length: {length}\r\n\r\n"+hidden),
		serve("a chunk", post+te+"\r\n"+hiddenChunk()+hidden+"\r\n0\r\n\r\n"),
	})
	j.want(t, "a chunk", "the bodies differ", "the back saw a request that the front did not make", "more answers than it was asked for")
}

// TestFindsCarelessFront has a front before Sluice that believes any length and hands on any coding.
func TestFindsCarelessFront(t *testing.T) {
	c := newChain(t, "careless, Sluice", newCarelessFront)
	j := c.run(t, []*payload{
		either("plain", get+"\r\n"),
		either("a length", post+"Content-Length: {length}\r\n\r\n"+hidden),
		either("CL.TE", post+te+fmt.Sprintf("Content-Length: %d\r\n\r\n0\r\n\r\n", hiddenSize+5)+hidden),
	})
	j.want(t, "CL.TE", "the lengths of the bodies differ", "the back saw a request that the front did not make")
}

// want expects findings with a payload, and none with those before it.
func (j *judge) want(t *testing.T, name string, texts ...string) {
	t.Helper()
	var reports strings.Builder
	for _, f := range j.findings {
		if f.run != nil && (f.run.payload.name == "plain" || f.run.payload.name == "a length") {
			t.Errorf("finds %s", j.report(f))
		}
		if f.run != nil && f.run.payload.name == name {
			reports.WriteString(j.report(f))
		}
	}
	for _, text := range texts {
		if !strings.Contains(reports.String(), text) {
			t.Errorf("%s: %q is not found; the findings are\n%s", name, text, reports.String())
		}
	}
}

// careless is a server that reads heads line by line and knows Content-Length alone.
type careless struct {
	*ledger
	listener net.Listener
	working  sync.WaitGroup
}

func newCareless(t *testing.T, serve func(c *careless, socket net.Conn)) *careless {
	c := &careless{ledger: &ledger{}, listener: listen(t)}
	c.working.Go(func() {
		for {
			socket, err := c.listener.Accept()
			if err != nil {
				return
			}
			c.working.Go(func() {
				defer socket.Close()
				serve(c, socket)
			})
		}
	})
	return c
}

func (c *careless) addr() string { return c.listener.Addr().String() }
func (c *careless) ended(string) {}

func (c *careless) stop() *ledger {
	c.listener.Close()
	c.working.Wait()
	return c.ledger
}

// carelessRequest is what it reads: the lines of a head, and a body by length.
type carelessRequest struct {
	line, tag, body string
	fields          []string
	closes          bool
}

// readCareless reads a request. Lines that begin none are skipped.
func readCareless(reader *bufio.Reader) (r carelessRequest, err error) {
	for !strings.Contains(r.line, " HTTP/1.") {
		if r.line, err = readLine(reader); err != nil {
			return r, err
		}
	}
	r.line, _, _ = strings.Cut(r.line, " HTTP/1.")
	length := 0
	for {
		field, err := readLine(reader)
		if err != nil || field == "" {
			body := make([]byte, length)
			n, err := io.ReadFull(reader, body)
			r.body = string(body[:n])
			return r, err
		}
		r.fields = append(r.fields, field)
		name, value, _ := strings.Cut(field, ": ")
		switch name {
		case "Content-Length":
			length, _ = strconv.Atoi(value)
		case "Tag":
			r.tag = value
		case "Connection":
			r.closes = value == "close"
		}
	}
}

func readLine(reader *bufio.Reader) (string, error) {
	line, err := reader.ReadString('\n')
	return strings.TrimSuffix(line, "\r\n"), err
}

func newCarelessBack(t *testing.T) back {
	return newCareless(t, func(c *careless, socket net.Conn) {
		for reader := bufio.NewReader(socket); ; {
			r, err := readCareless(reader)
			if err != nil {
				return
			}
			c.receive(&received{tag: r.tag, line: r.line, body: r.body, complete: true})
			fmt.Fprintf(socket, "HTTP/1.1 200 OK\r\nTag: %s\r\nContent-Length: 0\r\n\r\n", r.tag)
		}
	})
}

func newCarelessFront(t *testing.T, back string) front {
	return newCareless(t, func(c *careless, socket net.Conn) {
		behind, err := net.Dial("tcp", back)
		if err != nil {
			return
		}
		defer behind.Close()
		reader, answers := bufio.NewReader(socket), bufio.NewReader(behind)
		for count := 1; ; count++ {
			r, err := readCareless(reader)
			if err != nil {
				return
			}
			f := &forwarded{
				tag: fmt.Sprintf("%s-%d", portOf(socket.RemoteAddr()), count), line: r.line, body: r.body, length: len(r.body), complete: true,
			}
			if c.forwardCareless(behind, r, f); c.answerCareless(socket, answers, f) != nil || r.closes {
				return
			}
		}
	})
}

// forwardCareless hands a request on: with its coding, and with its length where it has no coding.
func (c *careless) forwardCareless(behind net.Conn, r carelessRequest, f *forwarded) {
	head := r.line + " HTTP/1.1\r\nTag: " + f.tag + "\r\n"
	coded := strings.Contains(strings.Join(r.fields, "\n"), "Transfer-Encoding")
	for _, field := range r.fields {
		if !strings.HasPrefix(field, "Connection") && !(coded && strings.HasPrefix(field, "Content-Length")) {
			head += field + "\r\n"
		}
	}
	_, _ = io.WriteString(behind, head+"\r\n"+r.body)
}

// answerCareless hands the next answer on, whosever it is.
func (c *careless) answerCareless(socket net.Conn, answers *bufio.Reader, f *forwarded) error {
	defer c.forward(f)
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	f.status, f.answered = response.StatusCode, response.Header.Get("Tag")
	fmt.Fprintf(socket, "HTTP/1.1 %d x\r\nTag: %s\r\nContent-Length: 0\r\n\r\n", f.status, f.answered)
	return err
}
