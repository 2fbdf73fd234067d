// Package codecache keeps compiled modules in the files of a directory, between runs and for several processes at a time.
// It does not know what they hold.
//
// Each entry is one file with a header that says whose it is, how long and with which checksum. It is written beside its
// place and renamed into it, so that whoever looks finds a whole entry or none, and nobody waits for a lock. What was
// damaged all the same is noticed when it is read, and removed, and nothing but it.
package codecache

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"time"
)

// DefaultSize is how many bytes the entries of a cache may take together where its configuration does not say.
const DefaultSize = 2 << 30

// Key names an entry: a hash of all that its content depends on.
type Key [32]byte

// Label is what the user of the cache wants to know of an entry besides its content.
type Label [32]byte

// ErrMissing says that there is no entry of a key.
var ErrMissing = errors.New("no such entry")

// DamageError says that an entry was not what had been written, and that it was removed.
type DamageError struct {
	// Name is the entry's file.
	Name string
	// Reason says what was wrong with it, and what kept it from being removed, if anything did.
	Reason error
}

func (e *DamageError) Error() string { return fmt.Sprintf("entry %s: %v", e.Name, e.Reason) }

// Unwrap gives the reason.
func (e *DamageError) Unwrap() error { return e.Reason }

// Cache is a directory of entries. Its methods may be called by several goroutines at a time.
type Cache struct {
	root *os.Root // the directory that was checked, whatever becomes of its name
	size int64
}

// Open uses a directory, and makes it when it is missing. What lies there is run as machine code, so the directory is the
// user's alone: one that somebody else owns or can write is an error. Its entries may take size bytes together; 0 stands
// for [DefaultSize].
func Open(dir string, size int64) (*Cache, error) {
	if err := MakePrivate(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	// Asked again, of the directory that was opened: another one may have taken the name since.
	if err := checkOpened(root, dir); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if size == 0 {
		size = DefaultSize
	}
	return &Cache{root: root, size: size}, nil
}

func checkOpened(root *os.Root, dir string) error {
	info, err := root.Stat(".")
	if err != nil {
		return err
	}
	return checkPrivate(dir, info)
}

// Close lets go of the directory.
func (c *Cache) Close() error { return c.root.Close() }

// String is the name of the entry's file.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// header begins an entry.
type header struct {
	Magic   [16]byte // with the version of this format
	Key     Key
	Label   Label
	Size    uint64 // of the content, in bytes
	Content uint32 // the content's checksum
	Header  uint32 // the checksum of what precedes it here
}

// magic is to change with the format.
var magic = [16]byte([]byte("sluice code 1\r\n\x00"))

var headerSize = binary.Size(header{})

// checksums are CRC-32C, which processors compute: they are against accidents, not against an attacker, who cannot write
// here.
var checksums = crc32.MakeTable(crc32.Castagnoli)

// encode completes a header and writes it down.
func (h *header) encode() []byte {
	out, _ := binary.Append(nil, binary.LittleEndian, h) // every field has a fixed size
	sum := out[:len(out)-4]
	binary.LittleEndian.PutUint32(out[len(sum):], crc32.Checksum(sum, checksums))
	return out
}

// decode reads a header that begins a file of size bytes.
func (h *header) decode(in []byte, key Key, size int64) error {
	_, _ = binary.Decode(in, binary.LittleEndian, h) // there are as many bytes as it takes
	switch {
	case h.Magic != magic:
		return errors.New("it does not begin as an entry does")
	case !bytes.Equal(in, h.encode()):
		return errors.New("the checksum of its header is wrong")
	case h.Key != key:
		return errors.New("it is the entry of another module")
	case h.Size != uint64(size)-uint64(headerSize):
		return fmt.Errorf("it has %d bytes and should have %d", size, h.Size+uint64(headerSize))
	}
	return nil
}

// Get copies the content of an entry to a writer and returns its label. The content is right only when there is no error:
// [ErrMissing]; a [*DamageError] when it was damaged, and is removed; or that of the writer.
func (c *Cache) Get(key Key, to io.Writer) (Label, error) {
	label, err := c.read(key, to)
	switch damage := (*DamageError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		return label, ErrMissing
	case errors.As(err, &damage):
		damage.Name = key.String()
		damage.Reason = errors.Join(damage.Reason, c.Remove(key))
	case err == nil:
		c.touch(key)
	}
	return label, err
}

func (c *Cache) read(key Key, to io.Writer) (Label, error) {
	// Asked before opening: to open a pipe could take forever.
	info, err := c.root.Lstat(key.String())
	if err != nil {
		return Label{}, damaged(err)
	}
	if !info.Mode().IsRegular() {
		return Label{}, damaged(fmt.Errorf("it is no file (%s)", info.Mode()))
	}
	file, err := c.root.Open(key.String())
	if err != nil {
		return Label{}, damaged(err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return Label{}, damaged(err)
	}
	head, start := header{}, make([]byte, headerSize)
	switch _, err := io.ReadFull(file, start); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return Label{}, damaged(fmt.Errorf("it has %d bytes, fewer than its header", info.Size()))
	case err != nil:
		return Label{}, damaged(err)
	}
	if err := head.decode(start, key, info.Size()); err != nil {
		return Label{}, damaged(err)
	}
	return head.Label, head.copyContent(to, file)
}

func damaged(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &DamageError{Reason: err}
}

// copyContent copies what follows the header, and checks it on the way.
func (h *header) copyContent(to io.Writer, from io.Reader) error {
	sum, source := crc32.New(checksums), &reader{from: from}
	n, err := copyAll(io.MultiWriter(to, sum), io.LimitReader(source, int64(h.Size)))
	switch {
	case source.err != nil:
		return damaged(source.err)
	case err != nil:
		return err
	case uint64(n) != h.Size || sum.Sum32() != h.Content:
		return damaged(errors.New("the checksum of its content is wrong"))
	}
	return nil
}

// reader keeps the error of a source apart from that of the target.
type reader struct {
	from io.Reader
	err  error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// copyAll copies in larger pieces than io.Copy does.
func copyAll(to io.Writer, from io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 256<<10))
}

// touched is how exactly the time of an entry's last use is kept.
const touched = time.Hour

// touch has an entry count as used now.
func (c *Cache) touch(key Key) {
	now := time.Now()
	if info, err := c.root.Lstat(key.String()); err == nil && now.Sub(info.ModTime()) > touched {
		_ = c.root.Chtimes(key.String(), now, now) // it may have been removed, or the directory be read-only
	}
}

// Remove removes an entry, whatever stands in its place. There need be none.
func (c *Cache) Remove(key Key) error { return c.root.RemoveAll(key.String()) }

// Put makes an entry of the content that a reader gives. When another process does so at the same time, one of the two is
// the entry. Then it makes room, if there are too many.
//
// The file is not forced to the disk before it is renamed. What a failing machine leaves of it is noticed by its checksum.
func (c *Cache) Put(key Key, label Label, from io.Reader) error {
	name, err := c.write(key, label, from)
	if err == nil {
		err = c.root.Rename(name, key.String())
	}
	if err != nil {
		if name != "" {
			_ = c.root.Remove(name)
		}
		return err
	}
	return c.prune()
}

// unfinished is what the names of files begin with that are being written. Those that have not become entries after
// abandoned are removed.
const (
	unfinished = "new-"
	abandoned  = time.Hour
)

// write writes an entry into a file beside its place.
func (c *Cache) write(key Key, label Label, from io.Reader) (name string, err error) {
	name = unfinished + strconv.FormatUint(rand.Uint64(), 36)
	file, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Seek(int64(headerSize), io.SeekStart); err != nil {
		return name, err
	}
	sum := crc32.New(checksums)
	size, err := copyAll(io.MultiWriter(file, sum), from)
	if err != nil {
		return name, err
	}
	head := header{Magic: magic, Key: key, Label: label, Size: uint64(size), Content: sum.Sum32()}
	_, err = file.WriteAt(head.encode(), 0)
	return name, err
}
