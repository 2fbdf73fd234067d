package command

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

	mu      sync.Mutex
	subject subject
	// known is how the files looked when they were read last, as far as is known; changes are those of them that were told
	// since they were asked for.
	known   look
	changes map[string]bool
}

// subject is what can be watched.
type subject interface {
	// folders are those in which something can happen to the files.
	folders() []string
	look() look
}

// look is how files look, nil for what is not there.
type look map[string]os.FileInfo

// newWatcher begins to watch files that have just been read. The remedy goes on after an error.
func newWatcher(subject subject, remedy string, log *slog.Logger) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("cannot watch files: %w; %s", err, remedy)
	}
	w := &watcher{notify: notify, log: log, changed: make(chan struct{}, 1), known: look{}, changes: map[string]bool{}}
	w.watch(subject)
	for _, folder := range subject.folders() {
		if err := notify.Add(folder); err != nil {
			_ = notify.Close()
			return nil, fmt.Errorf("cannot watch %s: %w; %s", folder, err, remedy)
		}
	}
	go w.run()
	return w, nil
}

// watch watches these files, which have just been read, instead of those before.
func (w *watcher) watch(subject subject) {
	now := subject.look()
	w.mu.Lock()
	defer w.mu.Unlock()
	for file := range now {
		if before, watched := w.known[file]; watched {
			now[file] = before
		}
	}
	w.subject, w.known = subject, now
}

// watched is what is watched at the moment.
func (w *watcher) watched() subject {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.subject
}

// fileList are files to watch, wherever they are.
type fileList []string

func (l fileList) folders() (folders []string) {
	seen := map[string]bool{}
	for _, file := range l {
		if folder := filepath.Dir(file); !seen[folder] {
			seen[folder] = true
			folders = append(folders, folder)
		}
	}
	return folders
}

func (l fileList) look() look {
	now := look{}
	for _, file := range l {
		now[file], _ = os.Stat(file)
	}
	return now
}

// run waits for something to happen, then for the files to be quiet, and tells if they have changed.
func (w *watcher) run() {
	before := w.watched().look()
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
			now := w.watched().look()
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
	for _, folder := range w.watched().folders() {
		if w.notify.Add(folder) != nil {
			complete = false
		}
	}
	return complete
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
	now.differences(w.known, w.changes)
	w.known = now
	select {
	case w.changed <- struct{}{}:
	default: // is about to be read
	}
}

// differences adds the files that do not look as before.
func (l look) differences(before look, found map[string]bool) {
	for file, info := range l {
		if !sameFile(info, before[file]) {
			found[file] = true
		}
	}
	for file := range before {
		if _, there := l[file]; !there {
			found[file] = true
		}
	}
}

// takeChanges gives the files that have changed since it was called last.
func (w *watcher) takeChanges() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := slices.Sorted(maps.Keys(w.changes))
	clear(w.changes)
	return changes
}

func (w *watcher) close() { _ = w.notify.Close() }
