package form_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/sluicehttp/sluice/sdk-go/form"
)

const crlf = "\r\n"

// whole is a form as browsers send it.
var whole = strings.Join([]string{
	"--AaB03x", `Content-Disposition: form-data; name="title"`, "", "Ulysses",
	"--AaB03x", `content-disposition: Form-Data; filename="a;\"b\".png"; name=cover`, "Content-Type: image/png", "", "\r\n--AaB03\r\n-",
	"--AaB03x  ", `Content-Disposition: form-data; name=""`, "", "",
	"--AaB03x", `Content-Disposition: form-data; name=bare`, "", "--AaB03x--", "epilogue"}, crlf)

const wanted = `"title" false "" "" "Ulysses"; "cover" true "a;\"b\".png" "image/png" "\r\n--AaB03\r\n-"; "" false "" "" ""; "bare" false "" "" ""; `

// A form is the same however it comes in.
func TestReader(t *testing.T) {
	for name, source := range map[string]io.Reader{
		"at once":      strings.NewReader(whole),
		"preamble":     strings.NewReader("hello\r\n" + whole),
		"byte by byte": iotest.OneByteReader(strings.NewReader(whole)),
		"with EOF":     iotest.DataErrReader(strings.NewReader(whole)),
	} {
		got, err := read(form.NewReaderOf(source, "AaB03x"))
		if err != nil || got != wanted {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, wanted)
		}
	}
}

// Parts that nobody reads are skipped.
func TestSkip(t *testing.T) {
	reader := form.NewReaderOf(strings.NewReader(whole), "AaB03x")
	for _, name := range []string{"title", "cover", "", "bare"} {
		part, err := reader.Next()
		if err != nil || part.Name != name {
			t.Fatalf("got %+v, %v; want %q", part, err, name)
		}
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last part: %v", err)
	}
}

func TestPartAt(t *testing.T) {
	got := ""
	for at := 0; ; {
		next, part, err := form.PartAt([]byte(whole), at)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got += describe(part, string(part.Bytes()))
		at = next
	}
	if got != wanted {
		t.Errorf("got %s, want %s", got, wanted)
	}
}

// A form that is cut anywhere, or damaged, is broken, however it is read.
func TestBroken(t *testing.T) {
	inputs := []string{"", "a", "--AaB03x", "--AaB03x\r\nX: y\r\n\r\na\r\n--AaB03x--", "--AaB03xx\r\n\r\n\r\n--AaB03x--",
		"--AaB03x--0\r\n--AaB03x--",
		"--AaB03x\r\nContent-Disposition: attachment; name=a\r\n\r\na\r\n--AaB03x--",
		"--AaB03x\r\nContent-Disposition: form-data; name=a\r\n" + strings.Repeat("X: y\r\n", 2000) + "\r\na\r\n--AaB03x--"}
	for end := range strings.Index(whole, "AaB03x--") + len("AaB03x-") {
		inputs = append(inputs, whole[:end])
	}
	for _, input := range inputs {
		if got, err := read(form.NewReaderOf(strings.NewReader(input), "AaB03x")); !errors.Is(err, form.ErrBroken) {
			t.Errorf("%.80q: got %s, %v", input, got, err)
		}
		if err := readAt([]byte(input)); !errors.Is(err, form.ErrBroken) {
			t.Errorf("%.80q in place: %v", input, err)
		}
	}
	if got, err := read(form.NewReaderOf(strings.NewReader("--AaB03x--"), "AaB03x")); err != nil || got != "" {
		t.Errorf("a form without parts: got %s, %v", got, err)
	}
}

func TestBoundary(t *testing.T) {
	for contentType, boundary := range map[string]string{
		"multipart/form-data; boundary=a":                          "a",
		`Multipart/Form-Data;charset=utf-8; Boundary="a b;c"`:      "a b;c",
		"multipart/form-data":                                      "",
		"multipart/mixed; boundary=a":                              "",
		"multipart/form-data; boundary=":                           "",
		"multipart/form-data; boundary=" + strings.Repeat("a", 71): "",
	} {
		if got, ok := form.Boundary(contentType); ok != (boundary != "") || ok && got != boundary {
			t.Errorf("%s: got %q, %v", contentType, got, ok)
		}
	}
}

// FuzzReader compares what is read at once, byte by byte, and by the standard library's reader, of what it calls well-formed.
func FuzzReader(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("--AaB03x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--AaB03x--"))
	f.Fuzz(func(t *testing.T, input []byte) {
		got, err := read(form.NewReaderOf(bytes.NewReader(input), "AaB03x"))
		slow, slowErr := read(form.NewReaderOf(iotest.OneByteReader(bytes.NewReader(input)), "AaB03x"))
		if got != slow || !errors.Is(slowErr, err) {
			t.Errorf("at once %s, %v; byte by byte %s, %v", got, err, slow, slowErr)
		}
		if err != nil || bytes.Count(input, []byte("\n")) != bytes.Count(input, []byte(crlf)) {
			return // theirs takes lines that end with \n alone, too
		}
		parts, contents := 0, ""
		for theirs := multipart.NewReader(bytes.NewReader(input), "AaB03x"); ; parts++ {
			part, err := theirs.NextRawPart()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return
				}
				break
			}
			content, err := io.ReadAll(part)
			if err != nil {
				return
			}
			contents += fmt.Sprintf("%q; ", content)
		}
		ours := ""
		for reader := form.NewReaderOf(bytes.NewReader(input), "AaB03x"); ; parts-- {
			part, err := reader.Next()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(part)
			ours += fmt.Sprintf("%q; ", content)
		}
		if parts != 0 || ours != contents {
			t.Errorf("we read %s, the standard library %s", ours, contents)
		}
	})
}

func read(reader *form.Reader) (got string, err error) {
	for {
		part, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		text, err := part.Text(1 << 20)
		if err != nil {
			return got, err
		}
		got += describe(part, text)
	}
}

func readAt(body []byte) error {
	for at := 0; ; {
		next, _, err := form.PartAt(body, at)
		if err != nil {
			return err
		}
		at = next
	}
}

func describe(part *form.Part, text string) string {
	return fmt.Sprintf("%q %v %q %q %q; ", part.Name, part.File, part.Filename, part.Type, text)
}
