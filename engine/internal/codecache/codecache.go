// Package codecache keeps compiled modules in the files of a directory, between runs and for several processes at a time.
// It does not know what they hold.
//
// Each entry is one file: code, notes on it, and a footer that says whose it is, how long and with which checksum. It is
// written beside its place and renamed into it, so that whoever looks finds a whole entry or none, and nobody waits for a lock. What was
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
	"slices"
	"strconv"
	"sync"
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

// footer ends an entry. It stands behind the content, so that whoever reads a file from its first byte on reads the code.
type footer struct {
	Magic  [16]byte // with the version of this format
	Key    Key
	Label  Label
	Code   uint64 // how long the code is, in bytes, with which the entry begins
	Notes  uint64 // how long the notes behind it are
	Sum    uint32 // the checksum of both
	Footer uint32 // the checksum of what precedes it here
}

// magic is to change with the format.
var magic = [16]byte([]byte("sluice code 2\r\n\x00"))

var footerSize = binary.Size(footer{})

// checksums are CRC-32C, which processors compute: they are against accidents, not against an attacker, who cannot write
// here.
var checksums = crc32.MakeTable(crc32.Castagnoli)

// encode completes a footer and writes it down.
func (f *footer) encode() []byte {
	out, _ := binary.Append(nil, binary.LittleEndian, f) // every field has a fixed size
	sum := out[:len(out)-4]
	binary.LittleEndian.PutUint32(out[len(sum):], crc32.Checksum(sum, checksums))
	return out
}

// decode reads a footer that ends a file of size bytes.
func (f *footer) decode(in []byte, key Key, size int64) error {
	_, _ = binary.Decode(in, binary.LittleEndian, f) // there are as many bytes as it takes
	content := uint64(size) - uint64(footerSize)
	switch {
	case f.Magic != magic:
		return errors.New("it does not end as an entry does")
	case !bytes.Equal(in, f.encode()):
		return errors.New("the checksum of its footer is wrong")
	case f.Key != key:
		return errors.New("it is the entry of another module")
	case f.Code > content || f.Notes != content-f.Code:
		return fmt.Errorf("it has %d bytes before its footer, and should have %d of code and %d of notes",
			content, f.Code, f.Notes)
	}
	return nil
}

// Entry is one that was found, with right checksums. It stays what it is when it is removed or replaced meanwhile. Close it.
type Entry struct {
	Label Label
	// Notes are what was kept beside the code.
	Notes []byte
	// File begins with the code.
	File *os.File
	size int64
}

// Code reads the code.
func (e *Entry) Code() io.Reader { return io.NewSectionReader(e.File, 0, e.size) }

// Close lets go of the file.
func (e *Entry) Close() error { return e.File.Close() }

// Get finds an entry. An error is [ErrMissing], or a [*DamageError] when it was damaged, and is removed.
func (c *Cache) Get(key Key) (*Entry, error) {
	entry, err := c.read(key)
	switch damage := (*DamageError)(nil); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, ErrMissing
	case errors.As(err, &damage):
		damage.Name = key.String()
		damage.Reason = errors.Join(damage.Reason, c.Remove(key))
	case err == nil:
		c.touch(key)
	}
	return entry, err
}

func (c *Cache) read(key Key) (*Entry, error) {
	// Asked before opening: to open a pipe could take forever.
	info, err := c.root.Lstat(key.String())
	if err != nil {
		return nil, damaged(err)
	}
	if !info.Mode().IsRegular() {
		return nil, damaged(fmt.Errorf("it is no file (%s)", info.Mode()))
	}
	file, err := c.root.Open(key.String())
	if err != nil {
		return nil, damaged(err)
	}
	entry, err := check(file, key)
	if err != nil {
		_ = file.Close()
		return nil, damaged(err)
	}
	return entry, nil
}

func damaged(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &DamageError{Reason: err}
}

// check takes a file for an entry when it is a whole one.
func check(file *os.File, key Key) (*Entry, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	end := info.Size() - int64(footerSize)
	if end < 0 {
		return nil, fmt.Errorf("it has %d bytes, fewer than its footer", info.Size())
	}
	foot, in := footer{}, make([]byte, footerSize)
	if _, err := file.ReadAt(in, end); err != nil {
		return nil, err
	}
	if err := foot.decode(in, key, info.Size()); err != nil {
		return nil, err
	}
	// The sizes are those of the file now, so that no more memory is taken than there are bytes.
	entry := &Entry{Label: foot.Label, Notes: make([]byte, foot.Notes), File: file, size: int64(foot.Code)}
	sum := crc32.New(checksums)
	if _, err := copyAll(sum, entry.Code()); err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(entry.Notes, entry.size); err != nil {
		return nil, err
	}
	if _, _ = sum.Write(entry.Notes); sum.Sum32() != foot.Sum {
		return nil, errors.New("the checksum of its content is wrong")
	}
	return entry, nil
}

// copyAll copies in larger pieces than io.Copy does.
func copyAll(to io.Writer, from io.Reader) (int64, error) {
	piece := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(piece)
	return io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, piece[:])
}

const pieceSize = 128 << 10

var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

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

// Put makes an entry of the code that a reader gives, and of notes. When another process does so at the same time, one of the
// two is the entry. Then it makes room, if there are too many.
//
// The file is not forced to the disk before it is renamed. What a failing machine leaves of it is noticed by its checksum.
func (c *Cache) Put(key Key, label Label, code io.Reader, notes []byte) error {
	name, err := c.write(footer{Magic: magic, Key: key, Label: label, Notes: uint64(len(notes))}, code, notes)
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
func (c *Cache) write(foot footer, code io.Reader, notes []byte) (name string, err error) {
	name = unfinished + strconv.FormatUint(rand.Uint64(), 36)
	file, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum := crc32.New(checksums)
	size, err := copyAll(io.MultiWriter(file, sum), code)
	if err != nil {
		return name, err
	}
	_, _ = sum.Write(notes)
	foot.Code, foot.Sum = uint64(size), sum.Sum32()
	_, err = file.Write(append(slices.Clip(notes), foot.encode()...))
	return name, err
}
