package command

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long files must have stayed as they are: compilers write in several steps.
	quiet = 100 * time.Millisecond
	// absent is how often it is looked whether a folder is back.
	absent = time.Second
)

// watcher tells when files change. It watches their folders, because many programs replace a file instead of writing to it,
// and looks at the files themselves when something happens there: a folder, or a link in the way, may have been replaced.
type watcher struct {
	notify *fsnotify.Watcher
	log    *slog.Logger
	// changed receives when files have changed and are quiet again.
	changed chan struct{}

	mu    sync.Mutex
	files []string
	// known is how the files looked when they were read last, as far as is known.
	known look
}

// look is how files look, nil for what is not there.
type look map[string]os.FileInfo

// newWatcher begins to watch files that have just been read.
func newWatcher(files []string, log *slog.Logger) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("cannot watch files: %w; leave out --watch", err)
	}
	w := &watcher{notify: notify, log: log, changed: make(chan struct{}, 1), known: look{}}
	w.watch(files)
	for _, folder := range w.folders() {
		if err := notify.Add(folder); err != nil {
			_ = notify.Close()
			return nil, fmt.Errorf("cannot watch %s: %w; leave out --watch", folder, err)
		}
	}
	go w.run()
	return w, nil
}

// watch watches these files, which have just been read, instead of those before.
func (w *watcher) watch(files []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := look{}
	for _, file := range files {
		before, watched := w.known[file]
		if !watched {
			before, _ = os.Stat(file)
		}
		known[file] = before
	}
	w.files, w.known = files, known
}

// folders are those that the files are in.
func (w *watcher) folders() (folders []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[string]bool{}
	for _, file := range w.files {
		if folder := filepath.Dir(file); !seen[folder] {
			seen[folder] = true
			folders = append(folders, folder)
		}
	}
	return folders
}

// run waits for something to happen, then for the files to be quiet, and tells if they have changed.
func (w *watcher) run() {
	before := w.look()
	var again <-chan time.Time
	for {
		select {
		case _, open := <-w.notify.Events:
			if !open {
				return
			}
			if again == nil {
				again = time.After(quiet)
			}
		case err, open := <-w.notify.Errors:
			if !open {
				return
			}
			w.log.Warn("watching files", "reason", err) // events may be lost
			again = time.After(quiet)
		case <-again:
			now := w.look()
			switch complete := w.renew(); {
			case !now.equal(before):
				again = time.After(quiet)
			case !complete:
				w.tell(now)
				again = time.After(absent)
			default:
				w.tell(now)
				again = nil
			}
			before = now
		}
	}
}

// renew watches the folders again: one that was replaced is not watched any more. It reports whether all are there.
func (w *watcher) renew() (complete bool) {
	complete = true
	for _, folder := range w.folders() {
		if w.notify.Add(folder) != nil {
			complete = false
		}
	}
	return complete
}

func (w *watcher) look() look {
	w.mu.Lock()
	files := w.files
	w.mu.Unlock()
	now := look{}
	for _, file := range files {
		now[file], _ = os.Stat(file)
	}
	return now
}

func (l look) equal(other look) bool {
	for file, info := range l {
		if was, there := other[file]; !there || !sameFile(info, was) {
			return false
		}
	}
	return len(l) == len(other)
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// tell tells of a change, if it is one: each look at files at most once.
func (w *watcher) tell(now look) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.equal(w.known) {
		return
	}
	w.known = now
	select {
	case w.changed <- struct{}{}:
	default: // is about to be read
	}
}

func (w *watcher) close() { _ = w.notify.Close() }
